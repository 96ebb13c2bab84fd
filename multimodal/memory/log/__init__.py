"""The append-only log of events from which the memory is derived, and where it is kept."""
