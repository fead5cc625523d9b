"""Every read of the app that is more than one filter."""
