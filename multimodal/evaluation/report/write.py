"""`write_report`: from an evaluation folder to `report.html` and the tables beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multimodal.evaluation.errors.analysis import write_errors
from multimodal.evaluation.pipeline import check_same_data
from multimodal.evaluation.report.gallery import choose, gallery
from multimodal.evaluation.report.inputs import read_inputs
from multimodal.evaluation.report.page import page
from multimodal.evaluation.report.paper import report_latex, report_markdown
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.storage.run_folder import write_atomically
from multimodal.systems.model_folder import load_model

if TYPE_CHECKING:
    from data_loaders.prepared import PreparedData


def write_report(run: str | Path, data: PreparedData, folder: Path, unit: Unit = "posts", seed: int = 0) -> list[Path]:
    """Write `report.html`, `report.md`, `table.tex`, `intervals.csv` and the CSV files of the error analysis.

    Args:
        run: run folder, or its `model/` folder; the gallery asks the model about a few posts.
        data: the prepared folder it was evaluated on.
        folder: `evaluation/<split>` of the run, as `evaluate_run` left it.
        unit: what intervals resample, `posts` or `users`.
        seed: of the posts shown.

    Returns:
        The paths written.

    Raises:
        UserError: there is no evaluation, no model, or they are not of this prepared folder.
    """
    inputs = read_inputs(folder, data, unit)
    model = load_model(run)
    check_same_data(model, data)
    tagged = np.array([row for row, post in enumerate(inputs.posts) if post.hashtags], np.int64)
    scores = np.full(len(inputs.posts), np.nan)
    scores[tagged] = inputs.errors.ndcg
    counts = np.array([len(inputs.posts[row].hashtags) for row in tagged.tolist()])
    chosen = choose(inputs.errors.ndcg, counts, seed)
    rows = {heading: tagged[places].tolist() for heading, places in chosen.items()}
    frozen = inputs.settings["history"] == "frozen"
    shown = gallery(model, data, rows, inputs.posts, inputs.rankings, scores, inputs.judged_k, frozen)
    table = inputs.interval_table
    texts = {
        "report.html": page(inputs, shown),
        "report.md": report_markdown(inputs),
        "table.tex": report_latex(inputs),
        "intervals.csv": table.to_csv(index=False),
    }
    for name, text in texts.items():
        write_atomically(folder / name, lambda path, text=text: path.write_text(text, encoding="utf-8"))  # type: ignore[misc]
    return [*(folder / name for name in texts), *write_errors(folder, inputs.errors)]
