"""Work across several processes, and the device each of them uses."""
