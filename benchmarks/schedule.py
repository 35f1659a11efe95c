"""Tasks that wait for one another, on a machine with so many GPUs and cores: when each ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from spnet.errors import ConfigError


@dataclass(frozen=True)
class Task:
    """A job.

    Attributes
    ----------
    after: names of the tasks that must have ended before.
    """

    name: str
    rule: str
    seconds: float
    cores: int = 1
    gpus: int = 0
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Machine:
    """What all tasks share: one pool, as if any core could go with any GPU.

    Attributes
    ----------
    kept: cores that tasks without a GPU leave alone.
    """

    gpus: int
    cores: int
    kept: int = 0


def run(tasks: Sequence[Task], machine: Machine) -> dict[str, float]:
    """Seconds after the start at which every task ends.

    Whatever is free is given at once to the first of the tasks, in their order, that is ready and fits: a list
    schedule, and not the best one, since no workflow knows how long its jobs will take.

    Raises
    ------
    ConfigError: a task that the machine is too small for, or one that waits for ever.
    """
    for task in tasks:
        if task.gpus > machine.gpus or task.cores > machine.cores - machine.kept * (not task.gpus):
            raise ConfigError(f"{task.name} does not fit {machine}", remedy="Give it more cores or GPUs")
    waits = [len(set(task.after)) for task in tasks]
    followers = _followers(tasks)
    ready: dict[tuple[int, ...], list[int]] = {}  # places in the order, by what is needed
    running: list[tuple[float, int]] = []
    ended: dict[str, float] = {}
    free, now = [machine.cores, machine.gpus, machine.cores - machine.kept], 0.0
    freed = [place for place, count in enumerate(waits) if not count]
    while True:
        for place in freed:
            heappush(ready.setdefault(_needs(tasks[place]), []), place)
        while fitting := [places for places in ready.values() if places and _fits(tasks[places[0]], free)]:
            place = heappop(min(fitting, key=lambda places: places[0]))
            free = [amount - taken for amount, taken in zip(free, _needs(tasks[place]), strict=True)]
            heappush(running, (now + tasks[place].seconds, place))
        if not running:
            break
        now, place = heappop(running)
        free = [amount + given for amount, given in zip(free, _needs(tasks[place]), strict=True)]
        ended[tasks[place].name] = now
        freed = []
        for follower in followers.get(tasks[place].name, ()):
            waits[follower] -= 1
            freed += [follower] * (not waits[follower])
    _check_all_ended(tasks, ended)
    return ended


def longest_chain(tasks: Sequence[Task]) -> float:
    """Seconds that no number of GPUs and cores can shorten."""
    ended = run(tasks, Machine(sum(task.gpus for task in tasks), sum(task.cores for task in tasks)))
    return max(ended.values(), default=0.0)


def _followers(tasks: Sequence[Task]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, task in enumerate(tasks):
        for name in dict.fromkeys(task.after):
            found.setdefault(name, []).append(place)
    return found


def _needs(task: Task) -> tuple[int, int, int]:
    """Cores, GPUs, and cores of those that tasks without a GPU may have."""
    return task.cores, task.gpus, 0 if task.gpus else task.cores


def _fits(task: Task, free: Sequence[int]) -> bool:
    return all(need <= amount for need, amount in zip(_needs(task), free, strict=True))


def _check_all_ended(tasks: Sequence[Task], ended: Mapping[str, float]) -> None:
    left = [task.name for task in tasks if task.name not in ended]
    if left:
        raise ConfigError(f"{left[0]} waits for ever: for itself, or for a task that is not there")
