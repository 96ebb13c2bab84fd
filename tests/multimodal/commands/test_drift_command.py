"""The command `drift` on a sample dump, whose events give hashtags that train does not know."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from data_loaders.prepare.prepare import prepare
from data_loaders.sample import write_sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder / "dump", posts=400, users=20, seed=0, image_size_px=32, workers=1)
    prepare(folder / "dump", folder / "prepared")
    return folder / "prepared"


def test_trends_that_are_alive_find_what_frozen_ones_cannot(sample, command, tmp_path):
    arguments = ["drift", "--data", sample, "--systems", "trends,popularity", "--output", tmp_path, "--json"]
    done = command(*arguments, "--set", "trends:half_lives_days=[3]", "--period", "month")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    table = pd.read_csv(tmp_path / "drift.csv")
    assert len(document["table"]) == len(table) == 2 * 3 * table["period"].nunique()
    assert table["unseen_in_train"].gt(0).any()
    mean = table[table["system"] == "trends"].groupby("protocol")["f1"].mean()
    assert mean["rolling"] > mean["frozen"]
    # Popularity reads no memory, so that only fitting again can change it.
    popular = table[table["system"] == "popularity"].pivot(index="period", columns="protocol", values="f1")
    assert (popular["rolling"] == popular["frozen"]).all()
    assert (tmp_path / "drift.png").stat().st_size > 10_000
