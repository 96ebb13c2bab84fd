"""Work on more posts than fit in memory or on one machine: shards that are made once, by whom it may be."""
