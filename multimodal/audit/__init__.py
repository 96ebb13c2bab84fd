"""The leak audit: what an honest evaluation must survive, measured on any System.

Each check is a function from an `AuditCase` to findings; `audit_run` makes the case from a run and a prepared folder.
"""
