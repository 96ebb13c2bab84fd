"""Hashtags as texts: their own words and the posts that used them, beside a post's caption."""
