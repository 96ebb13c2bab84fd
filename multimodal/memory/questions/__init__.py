"""What was used before an instant, by hashtag, word, name and language: exact."""
