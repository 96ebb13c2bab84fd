"""What was posted before: posts in the order of time, and the questions one can ask of them."""
