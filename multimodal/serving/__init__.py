"""The HTTP service: programs and people ask a `Recommender` over the network."""
