"""Turn a dump into a prepared folder, in two passes: posts, splits, vocabulary, statistics and data card."""
