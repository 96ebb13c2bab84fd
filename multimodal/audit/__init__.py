"""The leak audit: what an honest evaluation must survive, measured on any System.

Each check is a function from an `AuditContext` to findings; `audit_run` makes it from a run and its data.
"""
