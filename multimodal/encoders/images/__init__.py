"""Image encoders: a picture becomes one vector per region."""
