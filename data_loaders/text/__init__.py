"""Text: find hashtags, clean captions, recognise scripts, read timestamps."""
