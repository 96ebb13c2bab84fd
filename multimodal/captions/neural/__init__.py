"""Text-only Systems made of a caption encoder and a linear layer."""
