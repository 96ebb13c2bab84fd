"""What is kept on disk, without pickle."""
