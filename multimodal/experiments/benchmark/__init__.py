"""Every System on the same data, in one table."""
