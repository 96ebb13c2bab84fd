"""Other Systems as sources of the hybrid: trained, kept from knowing what the ranker learns from, and asked."""
