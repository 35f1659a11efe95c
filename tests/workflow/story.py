"""The faults of test_survival.py, one after the other in one folder, and what was seen of each."""

from types import SimpleNamespace

import psutil
from faults import (
    DEADLINE,
    MODEL,
    RUN,
    SYN,
    SYN_LOG,
    Disturbed,
    files_in,
    job_with_ants,
    jobs_of,
    kill,
    kill_all,
    wait_until,
)

from spnet.report.so_far import write_report_so_far
from spnet.training import TrainingOptions, train

NO_SPACE = "no space left to write this file"


def tell(finished, arguments, folder):
    """Disturb a copy of the finished run in `folder`, start it again each time, and return what was seen."""
    run = Disturbed(finished, arguments, folder)
    tables = [str(RUN / "tables" / path.name) for path in (finished.folder / RUN).glob("tables/*.csv")]
    seen = SimpleNamespace(run=run, targets=[str(RUN / "metrics.parquet"), *tables])
    leave_checkpoint_of_another_rate(run)
    kill_chunk_then_start_twice_then_kill_all(seen)
    truncate_checkpoint_then_kill_training(seen)
    fill_disk(seen)
    kill_snakemake_alone(seen)
    finish(seen)
    return seen


def leave_checkpoint_of_another_rate(run):
    images = sorted((run.folder / RUN / "preprocessed/mindboggle101").glob("NKI*/image.nii.gz"))
    options = TrainingOptions(steps=2, learning_rate=0.01, checkpoint_every=2)
    train("spnet", {}, images, options, run.folder / MODEL, device="cpu")
    for path in (run.folder / MODEL).iterdir():
        if path != run.last:
            path.unlink()
    assert run.saved_step() == 2


def kill_chunk_then_start_twice_then_kill_all(seen):
    run = seen.run
    process = run.start_again("first.txt", seen.targets)
    wait_until(run.is_locked, process)
    second = run.start_again("refused.txt", seen.targets)
    (training,) = wait_until(lambda: jobs_of(process, "train_method"), process)
    training.suspend()  # it might end before SyN has a pair
    wait_until(run.pairs_kept, process)
    kill(job_with_ants(process))
    seen.pairs_at_kill = run.pairs_kept()
    training.resume()
    wait_until(lambda: run.said("first.txt", "Error in rule evaluate_chunk"), process)
    wait_until(lambda: run.steps_logged() > 1, process)
    seen.chunk_left = (run.folder / SYN).exists()
    seen.other_rate = run.told("another configuration"), run.told(": step ")

    (training,) = jobs_of(process, "train_method")
    training.suspend()  # it might end first where Snakemake takes long to start
    seen.second_run_ended = second.wait(DEADLINE)
    before = run.steps_logged()
    training.resume()
    wait_until(lambda: run.steps_logged() > before and run.saved_step() > 2, process)
    seen.steps_meanwhile = (before, run.steps_logged())
    seen.processes_killed = kill_all(process)
    seen.step_at_kill = run.saved_step()
    seen.told_at_kill = write_report_so_far(
        run.folder / RUN, run.folder / "config" / "studies" / "paper" / "published.tsv"
    )
    seen.weights_at_kill = (run.folder / MODEL / "weights.pt").exists()


def truncate_checkpoint_then_kill_training(seen):
    run = seen.run
    content = run.last.read_bytes()
    run.last.write_bytes(content[: len(content) // 2])
    seen.sizes = (len(content), run.last.stat().st_size)
    run.unlock()
    process = run.start_again("second.txt", seen.targets)
    wait_until(lambda: run.told("cannot be read"), process)
    wait_until(lambda: run.steps_logged() > 3 and run.saved_step(), process)
    seen.truncated = run.told("cannot be read"), run.told(": step ")
    (training,) = jobs_of(process, "train_method")
    kill(training)
    seen.step_of_training = run.saved_step()
    seen.second_ended = process.wait(DEADLINE)


def fill_disk(seen):
    run = seen.run
    before = files_in(run.folder / MODEL)
    prefix, after, seen.disk = run.small_disk()
    process = run.start_again("third.txt", seen.targets, before=prefix)
    seen.third_ended = process.wait(DEADLINE)
    seen.resumed_on_full_disk = run.told("going on from")
    seen.no_space = run.told(NO_SPACE)
    seen.files_on_full_disk = (before, files_in(after))


def kill_snakemake_alone(seen):
    run = seen.run
    process = run.start_again("fourth.txt", seen.targets)
    wait_until(lambda: run.told("going on from") and run.saved_step() > seen.step_of_training, process)
    seen.resumed_after_kill = run.told("going on from")
    (orphan,) = jobs_of(process, "train_method")
    process.kill()
    seen.fourth_ended = process.wait()
    orphan.suspend()  # so that it does not end before the next run meets it
    seen.orphan, seen.orphan_lives = orphan.pid, orphan.is_running()
    seen.step_of_orphan = run.saved_step()


def finish(seen):
    run = seen.run
    run.unlock()
    process = run.start_again("fifth.txt", seen.targets)
    wait_until(lambda: run.told("trains here already"), process)
    seen.waited = run.told("trains here already")
    kill(psutil.Process(seen.orphan))
    wait_until(lambda: run.told("going on from"), process)
    seen.resumed_after_orphan = run.told("going on from")
    seen.fifth_ended = process.wait(DEADLINE)
    seen.pairs_kept = run.told("going on", SYN_LOG)
