"""Every job of a configuration's run as a task with its cost: the workflow's rules, and what waits for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from math import ceil
from typing import Any

from benchmarks.costs import IN_THE_DEMO, PREPARE, START, Costs
from benchmarks.paper import Evaluation, count_subjects, count_work, voxels_of
from benchmarks.schedule import Task
from spnet.configuration import UNTRAINED, trained_on
from spnet.data.pairs import subjects_of_chunk
from spnet.data.targets import is_reference
from spnet.figures.kinds import KINDS

Config = Mapping[str, Any]


def make_tasks(config: Config, costs: Costs) -> list[Task]:
    """The jobs of a run, those first that are to be given what is free first: scans, trainings, networks' evaluations.

    A dataset is complete, and every job of the workflow is one task, so their numbers are those of a dry-run.
    """
    evaluated = list(_evaluate(config, costs))
    on_cards = [task for task in evaluated if task.gpus]
    on_cores = [task for task in evaluated if not task.gpus]
    first = chain(_prepare(config), _train(config, costs), on_cards)
    return [*first, *_show(config, costs), *_report(config, [task.name for task in evaluated]), *on_cores]


def _datasets(config: Config) -> list[str]:
    found = (experiment[key] for experiment in config["experiments"].values() for key in ("dataset", "trained_on"))
    return list(dict.fromkeys(found))


def _subjects(config: Config, dataset: str, part: str) -> list[str]:
    return [f"prepare/{dataset}/{part}-{index}" for index in range(count_subjects(config["datasets"][dataset], part))]


def _light(rule: str, of: str = "", after: tuple[str, ...] = ()) -> Task:
    return Task(f"{rule}/{of}" if of else rule, rule, START + IN_THE_DEMO[rule], after=after)


def _prepare(config: Config) -> Iterator[Task]:
    trained = {training.dataset for training in count_work(config)[0]}
    for dataset in _datasets(config):
        target: tuple[str, ...] = ()
        if is_reference(config["datasets"][dataset]["prepare"]["target"]):
            reference = _light("prepare_reference", dataset)
            target = (reference.name,)
            yield reference
        parts = ("train", "test") if dataset in trained else ("test",)
        names = tuple(name for part in parts for name in _subjects(config, dataset, part))
        for name in names:
            yield Task(name, "preprocess_subject", START + PREPARE, config["threads"]["preprocess"], after=target)
        yield _light("describe_preparation", dataset, names)
        yield _light("write_split", dataset)
        yield _light("list_pairs", dataset)


def _train(config: Config, costs: Costs) -> Iterator[Task]:
    for each in count_work(config)[0]:
        seconds = START + each.steps * costs.step(each.method, each.voxels)
        images = tuple(_subjects(config, each.dataset, "train"))
        name = _weights(each.dataset, each.method, each.seed)
        yield Task(name, "train_method", seconds, config["threads"]["train"], 1, images)


def _weights(source: str, method: str, seed: int) -> str:
    return f"train/{source}/{method}/{seed}"


def _evaluate(config: Config, costs: Costs) -> Iterator[Task]:
    for each in count_work(config)[1]:
        tests, size = _subjects(config, each.dataset, "test"), config["pairs_per_chunk"]
        for chunk in range(ceil(each.pairs / size)):
            pairs = min(size, each.pairs - chunk * size)
            after = (*subjects_of_chunk(tests, size, chunk), f"list_pairs/{each.dataset}")
            name = f"evaluate/{each.source}/{each.method}/{each.seed}/{each.dataset}/{chunk}"
            yield _register(name, "evaluate_chunk", each, pairs, after, config, costs)


def _register(
    name: str, rule: str, each: Evaluation, pairs: int, after: tuple[str, ...], config: Config, costs: Costs
) -> Task:
    if each.source == UNTRAINED:
        return Task(name, rule, START + pairs * costs.pair_on_core(each.method, each.voxels), after=after)
    seconds = START + pairs * costs.pair(each.method, each.voxels)
    weights = _weights(each.source, each.method, each.seed)
    return Task(name, rule, seconds, config["threads"]["evaluate"], 1, (*after, weights))


def shown(config: Config) -> dict[str, list[tuple[str, str, str]]]:
    """Of every figure that shows pairs: dataset, training and method of each registration in it."""
    found = {}
    for name, figure in config["figures"].items():
        if KINDS[figure["kind"]].shows_pairs:
            experiments = [config["experiments"][key] for key in figure["experiments"]]
            found[name] = [
                (experiment["dataset"], trained_on(experiment, config["methods"][method]), method)
                for experiment in experiments
                for method in figure.get("methods", experiment["methods"])
                if method in experiment["methods"]
            ]
    return found


def _show(config: Config, costs: Costs) -> Iterator[Task]:
    registrations = dict.fromkeys(chain.from_iterable(shown(config).values()))
    for dataset in dict.fromkeys(dataset for dataset, *_ in registrations):
        yield _light("choose_pair", dataset, ("collect_metrics",))
    for dataset, source, method in registrations:
        each = Evaluation(method, voxels_of(config, dataset), 1, dataset, source, config["seeds"][0])
        after = (f"choose_pair/{dataset}",)
        yield _register(f"show/{source}/{method}/{dataset}", "register_shown", each, 1, after, config, costs)


def _report(config: Config, chunks: list[str]) -> Iterator[Task]:
    yield _light("collect_metrics", after=tuple(chunks))
    pictures = shown(config)
    made = []
    for name in config["figures"]:
        pairs = tuple(f"show/{source}/{method}/{dataset}" for dataset, source, method in pictures.get(name, ()))
        made.append(_light("draw_figure", name, ("collect_metrics", *pairs)))
    made += [_light("make_table", name, ("collect_metrics",)) for name in config["tables"]]
    made.append(_light("summarise_cost", after=("collect_metrics",)))
    made += [_light("compare_methods", after=("collect_metrics",))] if config["significance"] else []
    made += [_light("grade_claims", after=("summarise_cost",))] if config["claims"] else []
    yield from made
    pages = tuple(f"describe_preparation/{dataset}" for dataset in _datasets(config))
    yield _light("write_report", after=(*(task.name for task in made), *pages))
    yield Task("all", "all", 0.0, after=("write_report",))
