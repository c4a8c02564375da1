"""One file for each contender."""
