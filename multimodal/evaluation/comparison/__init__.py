"""Several runs on the same posts, side by side."""
