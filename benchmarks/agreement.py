"""``python -m benchmarks.agreement results/RUN``: how far the order of methods in a run is the paper's.

Experiments are matched by name with those of the paper's study, whatever scans the run's are of.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from spnet.analysis.agreement import rank_agreement
from spnet.analysis.published import read_published
from spnet.analysis.study import Study
from spnet.analysis.summarise import per_pair
from spnet.config.files import find_published_numbers
from spnet.config.load import read_study
from spnet.config.lookups import study_parts
from spnet.errors import SpnetError
from spnet.runs import read_configuration

_QUANTITIES = (("dice", "Average"), ("ice", "volume"), ("jab", "volume"))


def compare_orders(run: Path) -> Iterator[str]:
    """A line for every experiment and quantity that the paper prints for four methods or more."""
    config = read_configuration(run)
    study, paper = Study(**study_parts(config)), read_study()["experiments"]
    values = per_pair(pd.read_parquet(run / "metrics.parquet"), study.labels())
    published = read_published(find_published_numbers())
    for name, experiment in config["experiments"].items():
        if name not in paper:
            continue
        place = [(published[key] == paper[name][key]) for key in ("trained_on", "dataset")]
        printed = published[place[0] & place[1]].drop_duplicates(["method", "metric", "structure"])
        for metric, structure in _QUANTITIES:
            there = printed[(printed["metric"] == metric) & (printed["structure"] == structure)]
            means = there[there["method"].isin(experiment["methods"])].set_index("method")["mean"].to_dict()
            own = values[values["dataset"] == experiment["dataset"]]
            own = own[(own["metric"] == metric) & (own["structure"] == structure)]
            found = rank_agreement(own, means)
            if found is not None:
                interval = f"[{found.low:.2f}, {found.high:.2f}]"
                yield f"{name}, {metric} {structure}: {found.correlation:.2f} {interval}, {found.methods} methods"


if __name__ == "__main__":
    try:
        print("\n".join(compare_orders(Path(sys.argv[1]))))
    except SpnetError as error:
        sys.exit(f"Error: {error}")
