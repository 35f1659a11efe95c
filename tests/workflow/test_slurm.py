"""The workflow through a real SLURM on this machine: the same numbers as locally, whatever befalls its jobs."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from checkouts import DEMO, Checkout
from cluster import Cluster, missing_programs

from spnet.training import checkpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(missing_programs()),
        reason=f"SLURM is not installed ({', '.join(missing_programs())} missing): "
        "apt-get install --no-install-recommends slurmctld slurmd slurm-client munge",
    ),
]

# The profile as it is shipped, but for waiting: this cluster answers at once and has one disk.
SLURM = ("--workflow-profile", "workflow/profiles/slurm")
SLURM += ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "20")
# Nothing but names are this cluster's GPUs: where CUDA is, jobs must not ask for one and then compute there.
DEVICE = "cpu" if torch.cuda.is_available() else "auto"
MEASURED = ("seconds", "peak_mb")  # no two runs take the same time and memory
# Too little for the first attempt of one job each; whole minutes are SLURM's shortest limit.
TIGHT = (
    "make_virtual_mindboggle101:runtime=attempt",
    "preprocess_subject:mem_mb=300 if attempt == 1 and wildcards.subject == 'OASIS-TRT-20-2' else 6000",
)
DEADLINE = 600  # seconds for one thing that is waited for
MODEL = "models/mindboggle101/spnet/seed-0"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A SLURM of two nodes, whose commands this process and all that it starts then call."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield running


def assert_same_numbers(one, other):
    """All tables of two runs line by line, their scores value by value, and their weights bit by bit."""
    tables = sorted(path.name for path in (one / "tables").glob("*.csv"))
    assert tables
    assert tables == sorted(path.name for path in (other / "tables").glob("*.csv"))
    for name in tables:
        lines, others = (without_measured((run / "tables" / name).read_text()) for run in (one, other))
        assert lines == others, name
    scores, others = (pd.read_parquet(run / "metrics.parquet") for run in (one, other))
    assert len(scores) == len(others)
    kept, others = (each[~each["metric"].isin(MEASURED)].reset_index(drop=True) for each in (scores, others))
    pd.testing.assert_frame_equal(kept, others, check_exact=True)
    weights = sorted(path.relative_to(one) for path in one.glob("models/**/weights.pt"))
    assert weights
    for path in weights:
        first, second = (torch.load(run / path) for run in (one, other))
        assert first.keys() == second.keys()
        assert all(torch.equal(value, second[name]) for name, value in first.items()), path


def without_measured(table):
    return [line for line in table.splitlines() if not set(MEASURED) & set(line.split(","))]


def states(jobs, rule):
    """States in which the submissions of a rule ended, in their order."""
    return [job["JobState"] for job in jobs if job["Comment"].startswith(f"rule_{rule}_")]


class Run:
    """Snakemake under way, its output in a file, and what is waited for in it, each with a deadline."""

    def __init__(self, checkout, *arguments):
        self.log = checkout.folder / "slurm.log"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                checkout.command(*arguments),
                cwd=checkout.folder,
                env=checkout.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, found, what):
        """What `found` returns once it is something."""
        deadline = time.monotonic() + DEADLINE
        while not (result := found()):
            assert self.process.poll() is None, f"Snakemake ended before {what}:\n{self.log.read_text()[-8000:]}"
            assert time.monotonic() < deadline, f"no {what} in {DEADLINE} s:\n{self.log.read_text()[-8000:]}"
            time.sleep(0.2)
        return result

    def finish(self):
        assert self.process.wait(DEADLINE) == 0, self.log.read_text()[-8000:]
        return self.log.read_text()

    def stop(self):
        """End Snakemake if a test has failed before; what it had submitted ends with the cluster."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def running(cluster, rule):
    """The running submission of a rule, if there is one."""
    jobs = [job for job in cluster.jobs() if job["Comment"].startswith(f"rule_{rule}_")]
    return next((job for job in jobs if job["JobState"] == "RUNNING"), None)


def script_of(cluster, job, name):
    """Id of the process that computes in a job, if it has come so far."""
    for process in cluster.processes_of(job["JobId"]):
        command = Path(f"/proc/{process}/cmdline")
        with suppress(OSError):
            if f".{name}.py" in command.read_text():
                return process
    return None


def unfinished_copy(whole, copy):
    """The finished run under another name, without one raw scan, one prepared subject, and all from the training on."""
    kept = ("raw", "preprocessed", "pairs", "splits")
    for name in kept:
        shutil.copytree(whole / name, copy / name)
    shutil.rmtree(copy / "raw/mindboggle101/OASIS-TRT-20_volumes/OASIS-TRT-20-1")
    shutil.rmtree(copy / "preprocessed/mindboggle101/OASIS-TRT-20-2")


def interrupt_training(cluster, run, folder):
    """Cancel the training once it has a checkpoint; then, when it has gone on to the next one, kill its node."""
    last = folder / MODEL / checkpoint.NAME
    run.wait_for(last.exists, "checkpoint")
    first = running(cluster, "train_method")
    cluster.call("scancel", first["JobId"])
    reached = last.stat().st_mtime_ns
    run.wait_for(lambda: last.stat().st_mtime_ns > reached and running(cluster, "train_method"), "second checkpoint")
    second = running(cluster, "train_method")
    assert second["JobId"] != first["JobId"]
    cluster.kill_node(second["NodeList"])
    run.wait_for(lambda: "NODE_FAIL" in states(cluster.jobs(), "train_method"), "failure of the node")
    cluster.start_node(second["NodeList"])


def test_a_bad_day_of_the_cluster_leaves_the_same_tables_scores_and_weights_as_a_local_run(finished, cluster):
    """Jobs through sbatch, of which one is cancelled, one loses its node, one its time and one its memory."""
    checkout, _ = finished
    whole, disturbed = checkout.folder / "results/whole", checkout.folder / "results/disturbed"
    unfinished_copy(whole, disturbed)
    targets = [f"results/disturbed/tables/{path.name}" for path in (whole / "tables").glob("*.csv")]
    overlay = ("--configfile", "config/demo/config.yaml", "small.yaml", "--config", "run=disturbed", f"device={DEVICE}")
    run = Run(checkout, *targets, *overlay, *SLURM, "--set-resources", *TIGHT)
    try:
        slow = run.wait_for(lambda: running(cluster, "make_virtual_mindboggle101"), "virtual scan")
        os.kill(run.wait_for(lambda: script_of(cluster, slow, "make_virtual_subject"), "its script"), signal.SIGSTOP)
        interrupt_training(cluster, run, disturbed)
        output = run.finish()
    finally:
        run.stop()
    assert_same_numbers(whole, disturbed)
    check_submissions(cluster.jobs(), output)
    record = yaml.safe_load((disturbed / MODEL / "run.yaml").read_text())
    assert record["outcome"]["times_resumed"] == 2


def check_submissions(jobs, output):
    for job in jobs:
        print(job["JobId"], job["Comment"], job["JobState"], job["NodeList"], job["TimeLimit"], job["TRES"])
