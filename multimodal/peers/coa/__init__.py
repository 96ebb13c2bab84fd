"""`coa`: alternating co-attention."""
