"""The installed command `multimodal-hashtags`: one module per sub-command.

A module's docstring is the sub-command's help. `add_arguments` imports nothing heavy, so that `--help` answers at
once; `run` imports what it needs, calls the library and returns an `Answer`.
"""
