"""Speed, as ratios of two sides measured in one run on one machine; never a test."""
