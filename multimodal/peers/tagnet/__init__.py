"""`tagnet`: triplet attention, and graph convolution over posts with similar pictures."""
