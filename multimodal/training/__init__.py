"""The training loop on accelerate: trainer, checkpoints, losses, and the score that picks an epoch."""
