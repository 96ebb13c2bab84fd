"""Metrics at K from saved rankings: definitions, one-pass sweep, files, figures.

One way through it: `Rankings` and truth → `evaluate_rankings` → `Evaluation` (a table of one row per K, and one
value per post and metric) → `write_evaluation`. The definitions are in `docs/metrics.md`.
"""
