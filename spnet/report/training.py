"""The report's part about trainings: how the losses fell, and what each training took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from matplotlib import pyplot

from spnet.analysis.collapsed import MARK, marked
from spnet.analysis.trainings import Training
from spnet.figures import training_curves
from spnet.report.document import NUMBER, TEXT, plain_table
from spnet.report.pictures import data_url
from spnet.report.sections import Section

_DPI = 110
_CAPTION = (
    "Loss by step, thin, and its mean over the last twentieth of the training (ten steps at least), thick. Dotted "
    "lines: a new stage, with another loss. Losses of different methods are not comparable."
)
_HEADER = dict.fromkeys(("Dataset", "Method", "Device"), TEXT)
_HEADER |= dict.fromkeys(
    ("Seed", "Parameters", "Steps", "First loss", "Last loss", "Minutes", "Resumed"),
    NUMBER,
)


def training_section(trainings: Sequence[Training], config: Mapping[str, Any]) -> Section | None:
    """A chart of all losses, and a table of what the trainings took."""
    if not trainings:
        return None
    methods = {name: entry["title"] for name, entry in config["methods"].items()}
    datasets = {name: entry["title"] for name, entry in config["datasets"].items()}
    figure = {"title": "Training curves", "picture": _chart(trainings, methods, datasets), "caption": _CAPTION}
    table = plain_table("", _HEADER, [_row(one, methods, datasets) for one in trainings])
    return Section("training", "Training", "training", {"figure": figure, "table": table})


def collapse_sentences(trainings: Sequence[Training], config: Mapping[str, Any]) -> list[str]:
    """Which trainings collapsed, and how, for whoever reads nothing else."""
    return [
        f"{MARK} The training of {config['methods'][one.method]['title']} on"
        f" {config['datasets'][one.dataset]['title']}, seed {one.seed}, collapsed: {one.collapsed}."
        " Its values are neither ranked nor compared nor graded."
        for one in trainings
        if one.collapsed
    ]


def _chart(trainings: Sequence[Training], methods: Mapping[str, str], datasets: Mapping[str, str]) -> str:
    trained = {"method": {one.method for one in trainings}, "dataset": {one.dataset for one in trainings}}
    drawn = training_curves.draw(
        [training_curves.Curve(one.dataset, one.method, one.history) for one in trainings],
        {name: title for name, title in methods.items() if name in trained["method"]},
        {name: title for name, title in datasets.items() if name in trained["dataset"]},
    )
    buffer = BytesIO()
    drawn.savefig(buffer, format="png", dpi=_DPI)
    pyplot.close(drawn)
    return data_url("image/png", buffer.getvalue())


def _row(training: Training, methods: Mapping[str, str], datasets: Mapping[str, str]) -> list[str]:
    smooth = training_curves.smoothed(training.history["loss"])
    outcome = training.record.get("outcome", {})
    seconds = training.history["seconds"].sum() if "seconds" in training.history else None
    parameters = outcome.get("trainable_parameters")
    return [
        datasets.get(training.dataset, training.dataset),
        marked(methods.get(training.method, training.method), training.collapsed),
        str(training.record.get("device", "-")),
        training.seed,
        "-" if parameters is None else f"{parameters:,}",
        f"{len(training.history):,}",
        f"{training.history['loss'].iloc[0]:.4g}",
        f"{smooth[-1]:.4g}",
        "-" if seconds is None else f"{seconds / 60:.1f}",
        str(outcome.get("times_resumed", "-")),
    ]
