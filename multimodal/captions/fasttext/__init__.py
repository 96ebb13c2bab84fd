"""Averaged vectors of words and n-grams, and a hierarchical softmax."""
