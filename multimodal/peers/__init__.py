"""Published systems over caption and picture, on the encoders and the feature cache of DESIGN."""
