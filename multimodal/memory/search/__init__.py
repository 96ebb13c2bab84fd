"""Search for the nearest earlier posts: slices of time, each with indices of its own posts alone."""
