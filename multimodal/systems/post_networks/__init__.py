"""What Systems around a network over caption, picture and earlier posts share: DESIGN and its published peers."""
