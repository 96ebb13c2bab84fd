"""Open the files of a dump, which a stranger may have made: regular files only, inside the dump, of bounded size."""
