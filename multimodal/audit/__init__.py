"""The leak audit: checks that every honest System passes.

A check is a function from an `AuditContext` to findings; `audit_run` runs all of them on a trained run.
"""
