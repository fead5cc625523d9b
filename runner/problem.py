class Problem(Exception):
    """Something a person can put right; the message is shown as it is, without a traceback."""
