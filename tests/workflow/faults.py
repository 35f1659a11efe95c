"""A copy of a finished run whose training, and all after it, is to be made again; and means of disturbing that."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
from checkouts import Checkout

from spnet.evaluation.chunk import JOURNAL
from spnet.training import checkpoint

RUN = Path("results/whole")
MODEL = RUN / "models/mindboggle101/spnet/seed-0"
SYN = RUN / "evaluation/none/syn/seed-0/mindboggle101/chunk-0.csv"
SYN_LOG = RUN / "logs/evaluate_chunk/none/syn/seed-0/mindboggle101/chunk-0.log"
TRAINING_LOG = RUN / "logs/train_method/mindboggle101/spnet/seed-0.log"
# What is left of a finished run: raw and prepared scans, their splits and pairs.
PREPARED = {"raw", "preprocessed", "preparation", "splits", "pairs"}
DEADLINE = 900  # seconds, generous: machines differ and are shared

# With a disk of $3 KiB in place of the folder $1, that nobody else sees; what it held at the end is in $2.
ON_A_SMALL_DISK = """
set -e
mkdir "$2" && cp -a "$1/." "$2"
mount -t tmpfs -o "size=$3k" none "$1" && cp -a "$2/." "$1"
disk=$1 after=$2
shift 3
code=0
"$@" || code=$?
rm -r "$after" && cp -a "$disk" "$after"
exit $code
"""
WITH_SMALL_FILES_ONLY = 'ulimit -f "$1"; shift; exec "$@"'  # in blocks of 512 or 1,024 bytes


def wait_until(what, process):
    """Poll `what` until it gives something true, which is returned; fails if the process ends before that."""
    deadline = time.monotonic() + DEADLINE
    while not (found := what()):
        assert process.poll() is None, "the workflow ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


class Disturbed(Checkout):
    """Not only files are copied but also what Snakemake noted of them, so that only what is missing is made."""

    def __init__(self, finished, arguments, folder):
        shutil.copytree(finished.folder, folder, dirs_exist_ok=True)
        self.folder = folder
        for path in (folder / RUN).iterdir():
            if path.name not in PREPARED:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.arguments = arguments

    @property
    def last(self):
        return self.folder / MODEL / checkpoint.NAME

    def start_again(self, name, targets, before=()):
        """Start Snakemake in a process group of its own, with what it prints in `name`."""
        command = [*map(str, before), *self.command(*self.arguments, "--", *targets)]
        with (self.folder / name).open("w") as printed:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(),
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def printed(self, name):
        return (self.folder / name).read_text()

    def log(self, path=TRAINING_LOG):
        path = self.folder / path
        return path.read_text() if path.exists() else ""

    def told(self, words, path=TRAINING_LOG):
        """The line of a job's log, the training's unless another is named, with these words, without its date."""
        return next((line.split(" ", 3)[3] for line in self.log(path).splitlines() if words in line), "")

    def steps_logged(self):
        """How many steps the training told of since it was last started."""
        return self.log().count(": step ")

    def said(self, name, words, lines=1):
        """What Snakemake printed from these words on, so many lines; nothing if it never said them."""
        printed = self.printed(name)
        return "\n".join(printed[printed.index(words) :].splitlines()[:lines]) if words in printed else ""

    def pairs_kept(self):
        """How many pairs of the SyN evaluation are in its journal."""
        path = (self.folder / SYN).with_suffix(JOURNAL)
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def saved_step(self):
        """The step of the checkpoint; 0 without one."""
        return checkpoint.read(self.last)["progress"]["step"] if self.last.exists() else 0

    def is_locked(self):
        locks = self.folder / ".snakemake/locks"
        return locks.exists() and any(locks.iterdir())

    def unlock(self):
        assert self.run(*self.arguments, "--unlock").returncode == 0

    def small_disk(self):
        """What to write before a command so that no second checkpoint fits on its disk, and how that was done."""
        kilobytes = self.last.stat().st_size // 1024
        if may_mount(self.folder):
            after = self.folder / "after"
            disk = ("sh", "-c", ON_A_SMALL_DISK, "sh", self.folder / MODEL, after, kilobytes + 1000)
            return ("unshare", "--mount", "--map-root-user", *disk), after, "a disk with 1 MB free"
        limit = ("sh", "-c", WITH_SMALL_FILES_ONLY, "sh", kilobytes // 2)
        return limit, self.folder / MODEL, "files limited in size, since nothing may be mounted here"


def may_mount(folder):
    """Whether a process may have a mount of its own here; containers often forbid it."""
    if shutil.which("unshare") is None:
        return False
    attempt = ("unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", folder)
    return subprocess.run(attempt, capture_output=True).returncode == 0


def jobs_of(process, rule):
    """Jobs of that rule that this Snakemake runs."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.Error, IndexError):  # it has ended meanwhile
            if child.cmdline()[-1].endswith(f".{rule}.py"):
                found.append(child)
    return found


def job_with_ants(process):
    """The evaluation that has loaded ANTs, which only SyN does, and not before it registers; None without one."""
    for job in jobs_of(process, "evaluate_chunk"):
        with suppress(psutil.Error):
            if any("/ants/" in part.path for part in job.memory_maps()):
                return job
    return None


def kill(job):
    """Signal 9 to one job that is alive, until it is gone."""
    assert job.is_running()
    job.kill()
    psutil.wait_procs([job], timeout=DEADLINE)
    assert not job.is_running() or job.status() == psutil.STATUS_ZOMBIE


def kill_all(process):
    """Signal 9 to Snakemake and all its jobs; returns their number."""
    everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert psutil.wait_procs(everyone, timeout=DEADLINE)[1] == []
    return len(everyone)


def files_in(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
