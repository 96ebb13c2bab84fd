"""Caption encoders: a caption becomes one vector per word or token."""
