"""Several processes, and the device each of them computes on."""
