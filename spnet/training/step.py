"""One training step, on CUDA recorded as a graph and replayed.

A step launches thousands of kernels, most of which take less time than Python needs to launch them; a graph launches
all of them at once. Neither form lets the host wait for the device: what a step measured is read when the next one is
under way.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from spnet.errors import TrainingError, first_line
from spnet.methods.base import Method

log = logging.getLogger(__name__)

_STEPS_BEFORE_GRAPH = 3  # which choose and compile kernels, and fill what is kept from step to step


@dataclass(frozen=True)
class Outcome:
    """What a step measured; `read` waits for it.

    Attributes
    ----------
    names: of the numbers: the loss terms, and last the sum of them and the norm of the gradient.
    started: `time.perf_counter` when the step was launched.
    """

    names: Sequence[str]
    numbers: Tensor
    ready: torch.cuda.Event | None
    started: float

    def read(self) -> dict[str, float]:
        """The numbers by name."""
        if self.ready is not None:
            self.ready.synchronize()
        return dict(zip(self.names, self.numbers.tolist(), strict=True))


@dataclass
class _Variant:
    """One of the ways in which a method computes its steps, and on CUDA the graph of it."""

    steps: int = 0
    recording: bool = False
    graph: torch.cuda.CUDAGraph | None = None
    names: list[str] = field(default_factory=list)
    numbers: Tensor | None = None


class Step:
    """The steps of one stage of a training."""

    def __init__(self, method: Method, rate: float, device: torch.device) -> None:
        self._method = method
        self._device = device
        self._graphs = device.type == "cuda"
        self._variants: dict[Hashable, _Variant] = {}
        self._images: list[Tensor] = []
        self._pool = torch.cuda.graph_pool_handle() if self._graphs else None
        self.optimiser = torch.optim.Adam(method.parameters(), lr=rate)
        self.reset()

    def reset(self) -> None:
        """Bring the optimiser's settings to this device, which a checkpoint may have changed."""
        for group in self.optimiser.param_groups:
            # A graph reads the rate where it is, so it is a number on the device there.
            rate = float(group["lr"])
            group["lr"] = torch.tensor(rate, device=self._device) if self._graphs else rate
            group["fused"] = group["capturable"] = self._graphs
        for state in self.optimiser.state.values():  # where a CPU wrote the checkpoint, its counters are there
            state["step"] = state["step"].to(self._device if self._graphs else "cpu")

    def run(self, images: Sequence[Tensor], rate: float, variant: Hashable = None) -> Outcome:
        """Launch a step on images [B, 1, D, H, W] of the host.

        Parameters
        ----------
        variant: what :meth:`spnet.methods.base.Method.begin_step` gave.

        Raises
        ------
        TrainingError: the device has too little memory.
        """
        started = time.perf_counter()
        self._take(images, rate)
        chosen = self._variants.setdefault(variant, _Variant())
        try:
            self._launch(chosen)
        except torch.OutOfMemoryError as error:
            if all(each.graph is None for each in self._variants.values()) and not chosen.recording:
                raise self._too_small(error) from error
            # The graph of another kind of step keeps its memory; without graphs, every step has all of it.
            self._give_graphs_up(error)
            chosen = self._variants[variant]
            torch.cuda.empty_cache()
            try:
                self._launch(chosen)
            except torch.OutOfMemoryError as again:
                raise self._too_small(again) from again
        chosen.steps += 1
        return self._outcome(chosen, started)

    def _launch(self, chosen: _Variant) -> None:
        if self._graphs and chosen.graph is None and chosen.steps >= _STEPS_BEFORE_GRAPH:
            self._record(chosen)
        if chosen.graph is None:
            chosen.names, chosen.numbers = self._compute()
        else:
            chosen.graph.replay()

    def _take(self, images: Sequence[Tensor], rate: float) -> None:
        for group in self.optimiser.param_groups:
            if self._graphs:
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        if not self._images:
            self._images = [torch.empty_like(image, device=self._device) for image in images]
        for place, image in zip(self._images, images, strict=True):
            place.copy_(image, non_blocking=True)

    def _compute(self) -> tuple[list[str], Tensor]:
        """The step itself: names of what it measured, and the numbers on the device."""
        self.optimiser.zero_grad(set_to_none=True)
        terms = self._method.training_loss(self._images)
        loss = sum(terms.values())
        loss.backward()
        gradients = [parameter.grad for parameter in self._method.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        self.optimiser.step()
        return [*terms, "loss", "gradient_norm"], torch.stack([*terms.values(), loss, norm]).detach()

    def _record(self, chosen: _Variant) -> None:
        """Record the graph; nothing is computed by that. A method that cannot be recorded goes on without."""
        graph = torch.cuda.CUDAGraph()
        chosen.recording = True
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=torch.cuda.current_stream()):
                chosen.names, chosen.numbers = self._compute()
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            torch.cuda.synchronize(self._device)
            self._give_graphs_up(error)
            return
        chosen.graph, chosen.recording = graph, False

    def _give_graphs_up(self, error: RuntimeError) -> None:
        log.warning(
            "%s cannot be recorded as a CUDA graph (%s): training goes on without, more slowly at small grids",
            type(self._method).__name__,
            first_line(error),
        )
        self._variants = {key: _Variant() for key in self._variants}
        for each in self._variants.values():
            each.steps = -(2**62)  # never again

    def _outcome(self, chosen: _Variant, started: float) -> Outcome:
        if self._device.type != "cuda":
            return Outcome(chosen.names, chosen.numbers, None, started)
        # The next replay writes over the numbers.
        numbers = torch.empty(chosen.numbers.shape, dtype=chosen.numbers.dtype, pin_memory=True)
        numbers.copy_(chosen.numbers, non_blocking=True)
        ready = torch.cuda.Event()
        ready.record()
        return Outcome(chosen.names, numbers, ready, started)

    def _too_small(self, error: torch.OutOfMemoryError) -> TrainingError:
        gib = 2**30
        card = torch.cuda.get_device_properties(self._device)
        used = torch.cuda.max_memory_allocated(self._device)
        size = "x".join(map(str, self._images[0].shape[2:]))
        return TrainingError(
            f"a training step of {type(self._method).__name__} at {size} does not fit on {card.name}"
            f" ({card.total_memory / gib:.1f} GiB): it took {used / gib:.1f} GiB and asked for more"
            f" ({first_line(error)})",
            remedy="Set compute: recompute to true (SPnet) or convolutions to bfloat16, end what else runs on the card,"
            " or take a larger one",
        )


@contextmanager
def stream_of_its_own(device: torch.device) -> Iterator[None]:
    """Let CUDA do the block's work in another queue than the default one, in which no graph can be recorded."""
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)
