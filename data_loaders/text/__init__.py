"""What is in a text: hashtags, cleaned captions, scripts."""
