"""What `doctor` looks at, a module for each section of its answer."""
