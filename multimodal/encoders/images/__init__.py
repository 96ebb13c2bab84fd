"""Image encoders: picture ▶ one vector per region."""
