"""What was used before an instant, by hashtag, word and language: exact."""
