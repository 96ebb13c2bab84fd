"""The log in SQLite and in PostgreSQL, by one schema."""
