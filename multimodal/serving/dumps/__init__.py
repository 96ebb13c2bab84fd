"""Answers for every post of a dump."""
