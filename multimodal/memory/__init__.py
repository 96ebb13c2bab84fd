"""Earlier posts in order of time, searched by user and by caption."""
