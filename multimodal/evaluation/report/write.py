"""`write_report`: from an evaluation folder to `report.html` and the tables beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from data_loaders.prepared import PreparedData
from multimodal.evaluation.errors import tables
from multimodal.evaluation.errors.analysis import write_errors
from multimodal.evaluation.errors.flat_ranking import FlatRanking
from multimodal.evaluation.files.folder import REPORT, evaluation_folder
from multimodal.evaluation.files.writing import write_files
from multimodal.evaluation.pipeline import check_same_data
from multimodal.evaluation.report.gallery import gallery
from multimodal.evaluation.report.inputs import ReportInputs, read_inputs
from multimodal.evaluation.report.page import page
from multimodal.evaluation.report.paper import report_latex, report_markdown
from multimodal.evaluation.uncertainty.resampling import Unit
from multimodal.storage.run_folder import RunFolder
from multimodal.systems.model_folder import LoadedModel, load_model


def write_report(
    run: str | Path | None, data: PreparedData, folder: Path, unit: Unit = "posts", seed: int = 0
) -> list[Path]:
    """Write `report.html`, `report.md`, `table.tex`, `intervals.csv` and the CSV files of the error analysis.

    Args:
        run: run folder, or its `model/` folder; the gallery needs the model for a few posts. None for predictions of
            another program.
        data: the prepared folder that the run was evaluated on.
        folder: `evaluation/<split>` of the run, as `evaluate_run` left it.
        unit: what the intervals resample, `posts` or `users`.
        seed: of the choice of posts for the gallery.

    Returns:
        The paths written.

    Raises:
        UserError: there is no evaluation or no model, or they are not of this prepared folder.
    """
    inputs = read_inputs(folder, data, unit)
    model = None if run is None else load_model(run)
    if model is not None:
        check_same_data(model, data)
    inputs = replace(inputs, chances=_chances(inputs, model))
    texts = {
        "report.html": page(inputs, gallery(model, data, inputs, seed)),
        "report.md": report_markdown(inputs),
        "table.tex": report_latex(inputs),
        "intervals.csv": inputs.interval_table.to_csv(index=False),
    }
    with evaluation_folder(
        RunFolder(folder.parent.parent) if model is None else model.run, folder, "writing its report", REPORT
    ) as part:
        written = [*write_files(part, texts), *write_errors(part, inputs.errors)]
    return [folder / path.name for path in written]


def _chances(inputs: ReportInputs, model: LoadedModel | None) -> str:
    """Return what the scores of a System say of chances."""
    if model is None:
        return "It is not known whether the scores are probabilities."
    calibration = model.system.calibration
    if calibration is None:
        return "The scores of this System are not probabilities: recommendations have none."
    ranking = FlatRanking.of(inputs.rankings, [post.hashtags for post in inputs.posts])
    chances = replace(ranking, score=calibration.of(ranking.score))
    error = tables.calibration_error(tables.calibration_table(chances, inputs.error_k))
    how = "Probabilities of recommendations are calibrated on the validation split: expected calibration error"
    return f"{how} {error:.3f}."
