"""With the profile's one GPU, networks wait for each other, results come before trainings, and CPU jobs run beside."""

import pytest
from faults import RUN, Disturbed

pytestmark = pytest.mark.slow

# `auto`, so that networks ask for a GPU; whether there is one does not matter for that.
OVERLAY = """
device: auto
methods:
  spnet: {training: {steps: 4}}
  vm: {training: {steps: 4}}
experiments:
  mindboggle101: {methods: [identity, syn, spnet, vm]}
"""
TRAININGS = ("train_method/mindboggle101/spnet/seed-0", "train_method/mindboggle101/vm/seed-0")
SPNET = "evaluate_chunk/mindboggle101/spnet/seed-0/mindboggle101/chunk-0"
SYN = "evaluate_chunk/none/syn/seed-0/mindboggle101/chunk-0"


def interval(run, job):
    """Start and end of a job in seconds since the epoch: its benchmark file is written when it ends."""
    path = run.folder / RUN / "benchmarks" / f"{job}.tsv"
    end = path.stat().st_mtime
    return end - float(path.read_text().splitlines()[1].split("\t")[0]), end


def overlap(first, second):
    """Seconds that two intervals share; negative: the gap between them."""
    return min(first[1], second[1]) - max(first[0], second[0])


def test_on_one_gpu_spnet_trains_and_is_evaluated_before_vm_trains_while_a_cpu_job_overlaps(finished, tmp_path):
    checkout, arguments = finished
    run = Disturbed(checkout, arguments, tmp_path)
    targets = [
        *(RUN / f"models/mindboggle101/{method}/seed-0/weights.pt" for method in ("spnet", "vm")),
        *(RUN / f"evaluation/{job.removeprefix('evaluate_chunk/')}.csv" for job in (SYN, SPNET)),
    ]
    done = run.run(*arguments, "--configfile", run.write("one_gpu.yaml", OVERLAY), "--", *targets, cores=3)
    assert done.returncode == 0, done.stdout[-5000:]
    assert run.job_counts(done.stdout) == {"train_method": 2, "evaluate_chunk": 2, "total": 4}
    jobs = (TRAININGS[0], SPNET, TRAININGS[1], SYN)
    first, evaluation, second, syn = intervals = [interval(run, job) for job in jobs]
    zero = min(start for start, _ in intervals)
    for job, (start, end) in zip(jobs, intervals, strict=True):
        print(f"{job}: {start - zero:.1f} to {end - zero:.1f} s")
    assert first[1] <= evaluation[0] < evaluation[1] <= second[0]
    assert max(overlap(syn, first), overlap(syn, second)) > 0
