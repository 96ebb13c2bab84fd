"""How the schema of the log came to be, for Alembic, which runs `env.py` and the files in `versions`."""
