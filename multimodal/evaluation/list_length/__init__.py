"""How many hashtags to recommend: one K for all posts, or a length for each."""
