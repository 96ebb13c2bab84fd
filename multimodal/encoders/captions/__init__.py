"""Caption encoders: text ▶ one vector per token."""
