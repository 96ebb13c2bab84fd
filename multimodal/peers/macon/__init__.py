"""`macon`: parallel co-attention, and the tagging habits in a sample of earlier posts."""
