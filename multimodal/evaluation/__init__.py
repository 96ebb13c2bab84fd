"""Metrics at K from saved rankings: definitions, one-pass sweep, files, figures.

One way through it: `Rankings` and truth → `evaluate_rankings` → `MetricTable` (one row per K, and the outcomes of
every post) → `evaluation_files`. The definitions are in `docs/metrics.md`.
"""
