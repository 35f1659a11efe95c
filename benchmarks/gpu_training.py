"""SPnet trained for some minutes on ten real scans, and tested on real subjects beside the published weights."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from benchmarks.inputs import LABELS
from benchmarks.paper import read_paper
from spnet.data.layouts import Subject, find_subjects
from spnet.data.options import PreprocessOptions
from spnet.data.pairs import make_pairs
from spnet.device import prepare_process
from spnet.errors import DataError, WeightsError
from spnet.evaluation.chunk import MethodSpec
from spnet.evaluation.evaluate import evaluate_pairs, prepared_reader
from spnet.files import write_text
from spnet.methods.compute import Compute
from spnet.training import TrainingOptions, train
from spnet.weights import SHARED_VARIABLE, find_published

_CALIBRATION_STEPS = 20
_TRAINING = {"layout": "table", "table": "subjects.tsv", "leave_out": {}, "title": "ten brains"}


def train_and_test(minutes: float, device: torch.device, convolutions: str, work: Path) -> None:
    """Prepare the scans, train SPnet from nothing for about `minutes`, score all test pairs, and print it.

    Raises
    ------
    DataError: the folder that the variable SPNET_SHARED names is not there or holds no such scans.
    """
    shared = _shared_folder()
    dataset = read_paper()["datasets"]["mindboggle101"] | {"complete": False}
    training = prepare(find_subjects(shared / "data" / "brains10", _TRAINING), dataset, work / "prepared")
    testing = prepare(find_subjects(shared / "data" / "mindboggle101", dataset), dataset, work / "prepared")
    images = [work / "prepared" / name / "image.nii.gz" for name in training]
    compute = Compute(convolutions=convolutions)
    steps = choose_steps(minutes, images, device, compute, work)
    folder = work / "model"
    train("spnet", {}, images, TrainingOptions(steps=steps), folder, device=str(device), compute=compute)
    print(
        f"SPnet, {len(training)} training scans (the paper has 42), {steps} steps in {minutes:g} minutes,"
        f" {convolutions} convolutions, {len(testing)} test subjects"
    )
    print("this training:     ", summarise(score(folder / "weights.pt", testing, work / "prepared", device)))
    try:
        published = find_published("spnet")
    except WeightsError as error:
        print(f"published weights: not there ({error})")
        return
    print("published weights: ", summarise(score(published, testing, work / "prepared", device)))


def prepare(subjects: Sequence[Subject], dataset: dict[str, Any], folder: Path) -> list[str]:
    """Bring subjects to the dataset's grid as the workflow does, one a core; those that are there stay. Their names."""
    options = PreprocessOptions(**dataset["prepare"])
    missing = [each for each in subjects if not (folder / each.subject / "qc.json").exists()]
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    with ProcessPoolExecutor(min(len(missing), os.cpu_count() or 1) or 1) as pool:
        list(pool.map(_prepare_one, missing, [options] * len(missing), [folder] * len(missing)))
    return [each.subject for each in subjects]


def _prepare_one(subject: Subject, options: PreprocessOptions, folder: Path) -> None:
    from spnet.preparation import prepare_subject  # seconds to import, and only where something is to prepare

    prepare_subject(subject, options, LABELS, folder / subject.subject)


def choose_steps(minutes: float, images: Sequence[Path], device: torch.device, compute: Compute, work: Path) -> int:
    """How many steps fit; once chosen they are kept in `work`, so that a training that was stopped goes on."""
    note = work / "steps.txt"
    if not note.exists():
        options = TrainingOptions(steps=_CALIBRATION_STEPS)
        train("spnet", {}, images, options, work / "calibration", device=str(device), compute=compute)
        seconds = pd.read_csv(work / "calibration" / "history.csv")["seconds"]
        # The first steps choose kernels and read scans.
        typical = max(seconds.iloc[_CALIBRATION_STEPS // 2 :].median(), 1e-4)
        write_text(note, f"{max(1, int(60 * minutes / typical))}\n")
    return int(note.read_text())


def score(weights: Path, subjects: Sequence[str], prepared: Path, device: torch.device) -> pd.DataFrame:
    """All scores of all pairs of prepared subjects."""
    prepare_process()
    method = MethodSpec("spnet", {}, weights).build(str(device))
    pairs = make_pairs(subjects, len(subjects) ** 2)
    return evaluate_pairs(method, pairs, prepared_reader(prepared, device), LABELS)


def summarise(scores: pd.DataFrame) -> str:
    """Mean and standard deviation over ordered pairs of what the paper's Tables 1 and 3 hold."""
    parts = []
    for metric, name in (("dice", "Dice"), ("jab", "Jab %"), ("ice", "ICE")):
        values = scores[scores["metric"] == metric].groupby(["moving", "fixed"])["value"].mean()
        parts.append(f"{name} {values.mean():.3f}({values.std(ddof=0):.3f})")
    return f"{', '.join(parts)}; {len(values)} ordered pairs"


def _shared_folder() -> Path:
    folder = Path(os.environ.get(SHARED_VARIABLE, Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        raise DataError(
            "there are no real scans",
            path=folder / "data",
            remedy=f"Set {SHARED_VARIABLE} to the folder that holds data/brains10 and data/mindboggle101",
        )
    return folder
