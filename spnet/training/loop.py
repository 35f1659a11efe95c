"""The training loop."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from spnet.data.nifti import read_image
from spnet.device import choose_device, prepare_process, to_device
from spnet.errors import TrainingError
from spnet.evaluation.cost import measure
from spnet.files import atomic_path, remove_partial
from spnet.methods import build_method
from spnet.methods.base import Method, Stage
from spnet.methods.compute import Compute
from spnet.training import checkpoint
from spnet.training.checkpoint import Progress
from spnet.training.collapse import find_collapse
from spnet.training.lock import one_at_a_time
from spnet.training.record import write_record
from spnet.training.step import Outcome, Step, stream_of_its_own

log = logging.getLogger(__name__)

LOG_LINES = 50  # a log file wants some fifty lines, however long the training


@dataclass(frozen=True)
class TrainingOptions:
    """How a method is trained (its `training` entry in methods.yaml); the optimiser is Adam, as the paper's.

    Attributes
    ----------
    steps: iterations; the authors' program does 30,000, the paper gives no number.
    learning_rate: 1e-4 in the paper.
    checkpoint_every: steps between rolling checkpoints.
    batch_size: pairs (or triplets) per step.
    """

    steps: int = 30_000
    learning_rate: float = 1e-4
    checkpoint_every: int = 1000
    batch_size: int = 1


def train(
    implementation: str,
    method_options: Mapping[str, Any],
    images: Sequence[Path],
    options: TrainingOptions,
    folder: str | Path,
    *,
    device: str = "auto",
    seed: int = 0,
    compute: Compute | None = None,
) -> Method:
    """Train a method on pairs drawn at random from `images`, and write weights.pt, history.csv and run.yaml.

    Every image of a pair (or triplet) is an independent uniform draw, as in the authors' program, so two may be the
    same. Whatever stops the training, calling again with the same arguments goes on from the last checkpoint in
    `folder` and ends in the same weights (bit for bit on the CPU). The checkpoint stays when the training has ended:
    should its results be lost, as a workflow removes those of a job whose end it has not seen, they are made again from
    there. As long as another process trains in `folder`, it waits.

    Parameters
    ----------
    implementation, method_options: as for :func:`spnet.methods.build_method`.
    images: prepared images, all on one grid.
    folder: where results and the rolling checkpoint go.
    compute: how the arithmetic is done; the defaults of :class:`spnet.methods.compute.Compute` if not given.

    Raises
    ------
    TrainingError: fewer than two images, a loss or gradient that is not finite, or a device with too little memory.
    ConfigError: the device has not the precision that is asked for.
    """
    folder, target = Path(folder), choose_device(device)
    if len(images) < 2:
        raise TrainingError(f"training needs at least two images, not {len(images)}", path=folder)
    compute = (compute or Compute()).on(target)
    prepare_process(compute.convolutions, target)
    torch.manual_seed(seed)
    method = to_device(build_method(implementation, method_options), target).train()
    method.compute = compute
    definition = _define(implementation, method, options, seed)
    parameters = method.count_parameters()  # before a stage freezes some
    trainer = _Trainer(method, [Path(path) for path in images], options, folder, definition, target)
    with one_at_a_time(folder):
        remove_partial(folder)
        with measure(target) as cost:
            progress = trainer.run()
        _write_results(folder, method, progress)
        write_record(
            folder / "run.yaml",
            definition | {"images": [str(path) for path in images]},
            target,
            {
                "seconds_since_last_start": round(cost.seconds, 1),
                "peak_mb": round(cost.peak_mb, 1),
                "times_resumed": progress.resumed,
                "trainable_parameters": parameters,
                "collapsed": find_collapse(progress.history, method, images),
            },
        )
    return method


def _define(implementation: str, method: Method, options: TrainingOptions, seed: int) -> dict[str, Any]:
    """All that decides what a training ends in, but for its images and the code."""
    return {
        "implementation": implementation,
        "method_options": asdict(method.options),
        "training": {key: value for key, value in asdict(options).items() if key != "checkpoint_every"},
        "seed": seed,
        "convolutions": method.compute.convolutions,
    }


def _write_results(folder: Path, method: Method, progress: Progress) -> None:
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in method.state_dict().items()}
    checkpoint.save_state(folder / "weights.pt", state)
    with atomic_path(folder / "history.csv") as temporary:
        pd.DataFrame(progress.history).to_csv(temporary, index=False)


class _Trainer:
    """State of one training while it runs."""

    def __init__(
        self,
        method: Method,
        images: list[Path],
        options: TrainingOptions,
        folder: Path,
        definition: Mapping[str, Any],
        device: torch.device,
    ) -> None:
        self.method = method
        self.images = images
        self.options = options
        self.folder = folder
        self.device = device
        self.identity = checkpoint.fingerprint(definition, images)
        self.generator = torch.Generator().manual_seed(definition["seed"])
        self.progress = Progress()
        self._noted = 0.0  # when the last step was
        self._read = cache(self._read_image)

    def _read_image(self, path: Path) -> Tensor:
        image = torch.from_numpy(read_image(path).data)[None, None]
        # Where a card can fetch it while the processor goes on.
        return image.pin_memory() if self.device.type == "cuda" else image

    def run(self) -> Progress:
        state = checkpoint.load(self.folder, self.identity)
        if state is not None:
            self.progress = Progress(**state["progress"])
            self.progress.resumed += 1
            log.info("going on from stage %d, step %d", self.progress.stage + 1, self.progress.step)
        stages = self.method.stages(self.options.steps, self.options.learning_rate)
        total = sum(stage.steps for stage in stages)
        bar = tqdm(total=total, initial=len(self.progress.history), disable=None, unit="step")
        with bar, stream_of_its_own(self.device):
            for index in range(self.progress.stage, len(stages)):
                if index > self.progress.stage:
                    self.progress.stage, self.progress.step = index, 0
                self._run_stage(stages[index], state, bar)
                state = None
        return self.progress

    def _run_stage(self, stage: Stage, state: dict[str, Any] | None, bar: tqdm) -> None:
        step = Step(self.method, stage.learning_rate, self.device)
        if state is not None:
            checkpoint.restore(state, self.method, step.optimiser, self.generator)
            step.reset()
        # A card computes the next step while the numbers of the last one are read.
        late, pending = int(self.device.type == "cuda"), deque[Outcome]()
        for number in range(self.progress.step, stage.steps):
            variant = self.method.begin_step(stage, number)
            images = [self._draw() for _ in range(self.method.images_per_step)]
            pending.append(step.run(images, stage.rate_at(number), variant))
            due = (number + 1) % self.options.checkpoint_every == 0 or number + 1 == stage.steps
            while len(pending) > (0 if due else late):
                self._note(stage, pending.popleft(), bar)
            if due:
                checkpoint.save(self.folder, self.identity, self.progress, self.method, step.optimiser, self.generator)

    def _note(self, stage: Stage, outcome: Outcome, bar: tqdm) -> None:
        """Write what a step measured into the history, as soon as it is known.

        Raises
        ------
        TrainingError: it is not finite; no checkpoint has been written since.
        """
        values = outcome.read()
        loss, norm = values.pop("loss"), values.pop("gradient_norm")
        if not math.isfinite(loss):
            raise self._diverged(f"the loss is {loss}, its terms are {values}")
        if not math.isfinite(norm):
            raise self._diverged(f"the gradient is not finite, the loss {loss:.5f}")
        now = time.perf_counter()
        seconds, self._noted = now - max(outcome.started, self._noted), now
        self.progress.step += 1
        row = {"stage": stage.name, "step": self.progress.step, "loss": loss, **values, "gradient_norm": norm}
        self.progress.history.append(row | {"seconds": round(seconds, 4)})
        bar.update()
        bar.set_postfix(loss=f"{loss:.4f}")
        if self.progress.step % max(1, stage.steps // LOG_LINES) == 0 or self.progress.step == stage.steps:
            log.info("%s: step %d of %d, loss %.5f", stage.name, self.progress.step, stage.steps, loss)

    def _draw(self) -> Tensor:
        drawn = torch.randint(len(self.images), (self.options.batch_size,), generator=self.generator)
        images = [self._read(self.images[int(index)]) for index in drawn]
        if len(images) == 1:
            return images[0]
        batch = torch.cat(images)
        return batch.pin_memory() if self.device.type == "cuda" else batch

    def _of_stage(self) -> str:
        return f" of stage {self.progress.stage + 1}" if self.progress.stage else ""

    def _diverged(self, what: str) -> TrainingError:
        return TrainingError(
            f"training diverged at step {self.progress.step + 1}{self._of_stage()}: {what}",
            path=self.folder,
            remedy="Look at the QC pictures of the training scans, or lower the learning rate; nothing was written"
            f" but the last good checkpoint ({checkpoint.NAME})",
        )
