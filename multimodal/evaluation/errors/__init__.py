"""What goes wrong, and where: per hashtag, per score, per post, by frequency and by pair.

`analyse_errors` takes a ranking and the truth, `write_errors` writes one CSV per table; `docs/report.md` defines them.
"""
