"""Inputs of the encoders, and the cache of frozen encoders' features."""
