"""Text: find hashtags, clean captions, recognise scripts."""
