"""What each part earns: variants of a configuration, trained and evaluated side by side."""
