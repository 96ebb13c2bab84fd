"""A memory network that asks the user's earlier posts."""
