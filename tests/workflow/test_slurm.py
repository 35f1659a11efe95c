"""The workflow through a real SLURM on this machine: the same numbers as locally, whatever befalls its jobs."""

import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from checkouts import DEMO, Checkout
from cluster import Cluster, why_not

from spnet.training import checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not())]

# The profile as it is shipped, but for waiting: this cluster answers at once and has one disk.
SLURM = ("--workflow-profile", "workflow/profiles/slurm")
SLURM += ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "20")
# Nothing but names are this cluster's GPUs: where CUDA is, jobs must not ask for one and then compute there.
DEVICE = "cpu" if torch.cuda.is_available() else "auto"
MEASURED = ("seconds", "peak_mb")  # no two runs take the same time and memory
# Too little for the first attempt of one job each: whole minutes are SLURM's shortest limit, and a job is Snakemake
# (180 MB) and what it runs (360).
TIGHT = (
    "describe_preparation:runtime=1 if attempt == 1 else 60",
    "evaluate_chunk:mem_mb=400 if attempt == 1 and wildcards.method == 'identity' else 8000",
)
DEADLINE = 900  # seconds for one thing that is waited for; they are some twenty where nothing else runs
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


def of_rule(cluster, rule):
    """The submissions of a rule, alone or in a group: the executor's comments name both."""
    return [job for job in cluster.jobs() if rule in job["Comment"]]


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
        """All that Snakemake has printed, once it has ended well."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(DEADLINE)
        assert self.process.poll() == 0, self.log.read_text()[-8000:]
        return self.log.read_text()

    def stop(self):
        """End Snakemake if a test has failed before; what it had submitted ends with the cluster."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def has_ended(cluster, job, state):
    return any(each["JobId"] == job["JobId"] and each["JobState"] == state for each in cluster.jobs())


def was_requeued(cluster, job, times):
    now = next(each for each in cluster.jobs() if each["JobId"] == job["JobId"])
    return (now["JobState"], now["Restarts"]) == ("PENDING", times)


def running(cluster, rule):
    """The running submission of a rule, if there is one."""
    return next((job for job in of_rule(cluster, rule) if job["JobState"] == "RUNNING"), None)


def script_of(cluster, job, name):
    """Id of the process that computes in a job, if it has come so far."""
    for process in cluster.processes_of(job["JobId"]):
        command = Path(f"/proc/{process}/cmdline")
        with suppress(OSError):
            if f".{name}.py" in command.read_text():
                return process
    return None


def unfinished_copy(whole, copy):
    """The finished run under another name, without one of the subjects, and without all from the training on."""
    for name in ("raw", "preprocessed"):
        shutil.copytree(whole / name, copy / name)
    for folder in ("raw/mindboggle101/OASIS-TRT-20_volumes", "preprocessed/mindboggle101"):
        shutil.rmtree(copy / folder / "OASIS-TRT-20-2")


def interrupt_training(cluster, run, folder):
    """Cancel the training, preempt it, and kill its node, each once it has gone on to a further checkpoint."""
    last = folder / MODEL / checkpoint.NAME
    run.wait_for(last.exists, "checkpoint")
    first = running(cluster, "train_method")
    cluster.call("scancel", first["JobId"])
    run.wait_for(lambda: has_ended(cluster, first, "CANCELLED"), "end of the training")
    second = wait_for_progress(cluster, run, last)
    cluster.preempt(second["NodeList"])
    run.wait_for(lambda: was_requeued(cluster, second, "1"), "preemption")
    cluster.start_at_once(second["JobId"])
    again = wait_for_progress(cluster, run, last)
    cluster.kill_node(again["NodeList"])
    run.wait_for(lambda: was_requeued(cluster, second, "2"), "failure of the node")
    cluster.start_node(again["NodeList"])  # what the controller still has to end there is why SLURM waits two minutes


def wait_for_progress(cluster, run, last):
    """The training's submission, once it runs again and has written another checkpoint."""
    reached = last.stat().st_mtime_ns
    job = run.wait_for(lambda: running(cluster, "train_method"), "another attempt")
    run.wait_for(lambda: last.stat().st_mtime_ns > reached, "another checkpoint")
    return job


def hold(cluster, run, rule):
    """Stop what a job of a rule runs, so that it takes longer than its time limit, if it has come so far by then."""
    job = run.wait_for(lambda: running(cluster, rule), rule)
    process = run.wait_for(
        lambda: script_of(cluster, job, rule) or has_ended(cluster, job, "TIMEOUT"), f"work of {rule}"
    )
    if process is not True:
        os.kill(process, signal.SIGSTOP)


def test_a_bad_day_of_the_cluster_leaves_the_same_tables_scores_and_weights_as_a_local_run(finished, cluster):
    """Of the jobs one is cancelled, then preempted, and loses its node, one runs out of time and one of memory."""
    checkout, _ = finished
    whole, disturbed = checkout.folder / "results/whole", checkout.folder / "results/disturbed"
    unfinished_copy(whole, disturbed)
    targets = [f"results/disturbed/{path.relative_to(whole)}" for path in (whole / "tables").glob("*.csv")]
    targets += [f"results/disturbed/{name}" for name in ("metrics.parquet", "preparation/mindboggle101.tsv")]
    overlay = (*DEMO, "--configfile", "small.yaml", "--config", "run=disturbed", f"device={DEVICE}")
    run = Run(checkout, *targets, *overlay, *SLURM, "--set-resources", *TIGHT)
    try:
        with ThreadPoolExecutor() as pool:
            held = pool.submit(hold, cluster, run, "describe_preparation")
            interrupt_training(cluster, run, disturbed)
            held.result()
        output = run.finish()
    finally:
        run.stop()
    assert_same_numbers(whole, disturbed)
    check_faults(cluster, output)
    check_requests(cluster)
    record = yaml.safe_load((disturbed / MODEL / "run.yaml").read_text())
    assert record["outcome"]["times_resumed"] == 3


def check_faults(cluster, output):
    """Every fault has struck, and cost one more attempt of Snakemake's or of SLURM's own."""
    trainings, held, starved = (
        of_rule(cluster, name) for name in ("train_method", "describe_preparation", "none_identity")
    )
    assert [job["JobState"] for job in trainings] == ["CANCELLED", "COMPLETED"]
    assert [job["Restarts"] for job in trainings] == ["0", "2"]
    assert [job["JobState"] for job in held] == ["TIMEOUT", "COMPLETED"]
    # SLURM tells it as a failure where no cgroup does the counting.
    assert [job["JobState"] in ("FAILED", "OUT_OF_MEMORY") for job in starved] == [True, False]
    assert "exceeded memory limit" in Path(starved[0]["StdOut"]).read_text()
    assert [job["JobState"] for job in cluster.jobs()].count("COMPLETED") == len(cluster.jobs()) - 3
    assert output.count("Trying to restart job") == 3
    went_on = "again, went on from the checkpoint"
    rows = [
        ("training cancelled (scancel)", f"{trainings[0]['JobState']}; {went_on}"),
        ("preempted", f"put into the queue again by SLURM; {went_on}"),
        ("its node killed", f"put into the queue again by SLURM; {went_on} when {trainings[1]['NodeList']} was back"),
        ("time limit", f"{held[0]['JobState']} after {held[0]['TimeLimit']}; again with {held[1]['TimeLimit']}"),
        (
            "memory limit",
            "{JobState} at {MinMemoryNode}; again with ".format(**starved[0]) + starved[1]["MinMemoryNode"],
        ),
    ]
    print("\n| fault | what happened | tables, scores and weights afterwards |\n|---|---|---|")
    for fault, happened in rows:
        print(f"| {fault} | {happened} | as of the local run |")


def check_requests(cluster):
    """Networks ask for a GPU unless they are to run on the CPU, others for none; time and memory grow."""
    asked = "gres:gpu:1" if DEVICE == "auto" else None
    for rule, expected in (
        ("train_method", asked),
        ("mindboggle101-spnet", asked),
        ("none_syn", None),
        ("make_table", None),
    ):
        jobs = of_rule(cluster, rule)
        assert jobs
        assert {job.get("TresPerJob") for job in jobs} == {expected}, rule
    trainings = of_rule(cluster, "train_method")
    assert [job["MinMemoryNode"] for job in trainings] == ["16000M", "24000M"]
    assert [job["TimeLimit"] for job in trainings] == ["4-00:00:00", "6-00:00:00"]
    tables = of_rule(cluster, "make_table")  # each as soon as its scores are there
    assert len(tables) == 4
    assert {(job["NumCPUs"], job["MinMemoryNode"], job["TimeLimit"]) for job in tables} == {("1", "2000M", "00:10:00")}


@pytest.mark.skipif("SPNET_LOCAL_DEMO" not in os.environ, reason="half an hour: make demo-slurm runs it")
def test_the_whole_demo_through_sbatch_ends_in_the_same_numbers_as_locally(repository, tmp_path, cluster):
    """`SPNET_LOCAL_DEMO` is the checkout in which `make demo` has run."""
    checkout = Checkout(repository, tmp_path)
    before = len(cluster.jobs())
    done = checkout.run(*DEMO, *SLURM)
    assert done.returncode == 0, done.stdout[-8000:]
    assert_same_numbers(Path(os.environ["SPNET_LOCAL_DEMO"]) / "results/demo", tmp_path / "results/demo")
    jobs = cluster.jobs()[before:]
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    steps = checkout.job_counts(done.stdout)["total"]
    print(f"\n{steps} jobs in {len(jobs)} submissions; tables, scores and weights are those of the local run")
