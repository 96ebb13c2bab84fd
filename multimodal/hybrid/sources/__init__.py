"""What says something of hashtags for a post, an idea a file."""
