"""The first pass of `prepare`: parts of a dump ▶ staged posts and columns of numbers, which are then joined."""
