"""A memory of posts that is derived from a log, follows it, and opens from files beside it."""
