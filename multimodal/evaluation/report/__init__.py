"""The report of an evaluation: one self-contained HTML page, and tables for a paper.

`write_report` reads what `evaluate` left in its folder, so that a report can be made again without ranking anything.
"""
