"""The ablation: which variants there are, runs that are kept, and a table that can be checked by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_loaders.bulk.processes import Processes
from data_loaders.errors import ConfigError, RunError, UserError
from multimodal.evaluation.files.results import read_per_post
from multimodal.experiments.ablation.report import markdown, write_report
from multimodal.experiments.ablation.running import run_ablation
from multimodal.experiments.ablation.variants import VARIANTS, Variant, choose_variants, parse_variant
from multimodal.experiments.side_by_side import beside_others
from multimodal.systems.config_loading import load_config

ROOT = Path(__file__).resolve().parents[4]
DEBUG = ROOT / "configs" / "debug.yaml"
QUICK = ("training.epochs=1",)
SOME = choose_variants(["sum", "full"], [Variant("no user", ("history.posts=0",))])


class TestVariants:
    def test_the_order_is_fixed_and_ones_own_come_last(self):
        assert [variant.name for variant in SOME] == ["full", "sum", "no user"]
        assert choose_variants(None) == list(VARIANTS)

    @pytest.mark.parametrize("config", ["sample.yaml", "design_vit_weighted.yaml"])
    @pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
    def test_every_variant_is_a_valid_configuration(self, config, variant):
        load_config(ROOT / "configs" / config, list(variant.overrides))

    def test_ones_own(self):
        variant = parse_variant("two layers=encoder.caption.layers=2  width=64")
        assert variant == Variant("two layers", ("encoder.caption.layers=2", "width=64"))
        assert variant.folder == "two-layers"

    @pytest.mark.parametrize("text", ["", "narrow", "narrow=", "=width=64", "narrow=width"])
    def test_what_is_no_variant(self, text):
        with pytest.raises(UserError, match=r'is not of the form name="key=value key=value", for instance small='):
            parse_variant(text)

    def test_refusals(self):
        with pytest.raises(
            UserError, match=r"variant 'no imag' is unknown. Did you mean 'no image'\? Known: full, sum"
        ):
            choose_variants(["no imag"])
        with pytest.raises(UserError, match="variant 'no-image': another one has the same name"):
            choose_variants(None, [Variant("no-image", ("width=8",))])
        with pytest.raises(UserError, match="there is no variant to train"):
            choose_variants([])


@pytest.fixture(scope="module")
def done(tiny_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablation")
    return folder, run_ablation(DEBUG, tiny_data, folder, SOME, seeds=(0, 1), k=3, overrides=QUICK)


class TestTable:
    def test_f1_and_differences_are_those_of_the_runs(self, done):
        folder, ablation = done
        table = ablation.table
        assert list(table["variant"]) == ["full", "sum", "no user"]
        for row in table.to_dict("records"):
            f1 = []
            for seed in (0, 1):
                run = folder / row["variant"].replace(" ", "-") / f"seed{seed}"
                assert load_config(run / "config.yaml").seed == seed
                metrics = json.loads((run / "evaluation" / "test" / "metrics.json").read_text())
                f1 += [line["f1"] for line in metrics["table"] if line["k"] == 3]
            assert row["f1"] == pytest.approx(np.mean(f1))
            assert row["f1_sd"] == pytest.approx(np.std(f1, ddof=1))
            assert row["difference"] == pytest.approx(row["f1"] - table["f1"][0])
            assert row["f1_low"] <= row["f1"] <= row["f1_high"]
            assert row["difference_low"] <= row["difference_high"]
        assert table["difference_low"][0] == table["difference_high"][0] == 0

    def test_intervals_agree_with_a_plain_bootstrap(self, done):
        folder, ablation = done
        values = {}
        for name in ("full", "no-user"):
            seeds = [read_per_post(folder / name / f"seed{s}" / "evaluation/test/per_post.parquet") for s in (0, 1)]
            at = np.array([3])
            values[name] = [[r.at(at).column(m)[:, 0] for m in ("precision", "recall")] for r in seeds]
        draw = np.random.default_rng(7)
        differences = []
        for _ in range(2000):
            rows = draw.integers(0, ablation.settings["posts"], ablation.settings["posts"])
            f1 = {}
            for name, seeds in values.items():
                means = [(p[rows].mean(), r[rows].mean()) for p, r in seeds]
                f1[name] = np.mean([2 * p * r / (p + r) if p + r else 0.0 for p, r in means])
            differences.append(f1["no-user"] - f1["full"])
        row = ablation.table.set_index("variant").loc["no user"]
        spread = np.std(differences)
        assert row["difference_low"] == pytest.approx(np.quantile(differences, 0.025), abs=0.25 * spread)
        assert row["difference_high"] == pytest.approx(np.quantile(differences, 0.975), abs=0.25 * spread)


class TestRuns:
    def test_finished_runs_are_kept_and_a_later_k_is_evaluated_only(self, done, tiny_data):
        folder, first = done
        model = folder / "full" / "seed0" / "model" / "network.safetensors"
        before = model.stat().st_mtime_ns
        again = run_ablation(DEBUG, tiny_data, folder, SOME, seeds=(0, 1), k=3, overrides=QUICK)
        pd.testing.assert_frame_equal(again.table, first.table)
        deeper = run_ablation(DEBUG, tiny_data, folder, SOME[:1], seeds=(0,), k=12, overrides=QUICK)
        assert deeper.settings["k"] == 12
        assert np.isnan(deeper.table["f1_sd"][0])
        assert model.stat().st_mtime_ns == before

    def test_a_finished_run_of_another_configuration_is_refused(self, done, tiny_data):
        folder, _ = done
        with pytest.raises(RunError) as error:
            run_ablation(DEBUG, tiny_data, folder, SOME[:1], seeds=(0,), k=3, overrides=(*QUICK, "width=24"))
        assert "contains a finished run of another configuration:\n  - width: 16 there, 24 now" in str(error.value)

    def test_processes_side_by_side_make_the_same_runs_and_refuse_the_same(self, done, tiny_data, tmp_path):
        side_by_side = Processes(2, partial(beside_others, 1))
        own = {"seeds": (0, 1), "k": 3, "overrides": QUICK, "executor": side_by_side}
        made = run_ablation(DEBUG, tiny_data, tmp_path, SOME[:2], **own)
        pd.testing.assert_frame_equal(made.table, done[1].table[:2])
        assert not (tmp_path / ".runs").exists()
        own["overrides"] = (*QUICK, "width=24")
        with pytest.raises(UserError, match="contains a finished run of another configuration"):
            run_ablation(DEBUG, tiny_data, tmp_path, SOME[:2], **own)

    def test_a_variant_that_changes_nothing_is_named_and_left_out(self, done, tiny_data):
        folder, _ = done
        variants = [SOME[0], Variant("same", ("fusion.name=weighted", "seed=9"))]
        ablation = run_ablation(DEBUG, tiny_data, folder, variants, seeds=(0,), k=3, overrides=QUICK)
        assert list(ablation.table["variant"]) == ["full"]
        assert "“same” is left out: with this configuration it is the same as “full”." in markdown(ablation)

    @pytest.mark.parametrize(("seeds", "k"), [((), 5), ((1, 1), 5), ((0,), 0)])
    def test_refusals(self, tiny_data, tmp_path, seeds, k):
        with pytest.raises(UserError, match="give k of at least 1 and at least one seed, each once"):
            run_ablation(DEBUG, tiny_data, tmp_path, SOME, seeds=seeds, k=k)
        with pytest.raises(ConfigError, match="widht: unknown key"):
            run_ablation(DEBUG, tiny_data, tmp_path, SOME, overrides=("widht=3",))


def test_the_report(done, tmp_path):
    _, ablation = done
    files = write_report(tmp_path, ablation)
    assert [file.name for file in files] == ["ablation.csv", "ablation.md", "ablation.png", "gate.csv"]
    pd.testing.assert_frame_equal(
        pd.read_csv(files[0]).fillna({"overrides": ""}), ablation.table, check_dtype=False, rtol=1e-9
    )
    text = files[1].read_text(encoding="utf-8")
    assert "| variant | F1@3 | difference to full | HR@3 | P@3 | R@3 |" in text
    assert "- no user: `history.posts=0`" in text
    assert "--variants full,sum --variant 'no user=history.posts=0' --seeds 0,1 --k 3 training.epochs=1`" in text
    assert "mean ± standard deviation over the seeds 0, 1." in text
    assert len(pd.read_csv(files[3])) == 6
    assert files[2].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere", "--output", "x"], "prepared folder nowhere does not exist"),
        (["--output", "x"], "--data"),
    ],
)
def test_the_command_refuses(tmp_path, arguments, message):
    command = [sys.executable, ROOT / "scripts" / "ablation.py", *arguments]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert message in result.stderr
