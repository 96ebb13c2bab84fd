"""The user's own rules: only these hashtags, never those, always some, one in place of another, one language."""
