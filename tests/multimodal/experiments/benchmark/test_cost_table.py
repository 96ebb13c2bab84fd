"""What a benchmark did not measure is a dash."""

import math

import pandas as pd

from multimodal.experiments.benchmark.report import cost_table


def test_times_of_runs_that_another_command_made():
    common = {"threshold": 0.5, "labels_f1_micro": 0.1, "labels_f1_macro": 0.2, "new_hashtag_recall": 0.3}
    measured = {"system": "a", "training_s": 1234.4, "ms_per_post": 0.126, "size_bytes": 2.5e6}
    found = {"system": "b", "training_s": math.nan, "ms_per_post": math.nan, "size_bytes": 1e5}
    cells = cost_table(pd.DataFrame([{**common, **measured}, {**common, **found}])).cells
    assert [row[5:] for row in cells] == [["1,234 s", "2.5 MB", "0.13"], ["–", "0.1 MB", "–"]]
