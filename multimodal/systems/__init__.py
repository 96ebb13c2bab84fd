"""The one interface behind which everything that recommends stands, its registry, and its folder on disk."""
