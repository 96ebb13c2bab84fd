"""The index of one dense space over one span of time."""
