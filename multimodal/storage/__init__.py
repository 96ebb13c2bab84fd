"""The run folder, shipped configurations and state dictionaries on disk, without pickle."""
