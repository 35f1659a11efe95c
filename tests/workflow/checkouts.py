"""Running the workflow in a copy of the checkout, so that tests never touch its results."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

PARTS = ("config", "workflow")
DEMO = ("--config", "study=demo")
WEIGHTS = ("--config", "study=published_weights")


class Checkout:
    """A copy of the workflow in a folder of its own."""

    def __init__(self, repository, folder):
        self.folder = folder
        for part in PARTS:
            copy = shutil.copytree if (repository / part).is_dir() else shutil.copy
            copy(repository / part, folder / part)

    def command(self, *arguments, cores=2):
        """Snakemake's; several --config or --configfile count together, of which Snakemake would take the last."""
        found, group = {"--configfile": [], "--config": [], "--": [], "": []}, ""
        for argument in map(str, arguments):
            if argument in found or argument.startswith("-"):
                group = argument if argument in found else ""
            if argument not in found:
                found[group].append(argument)
        snakemake, others = Path(sys.executable).with_name("snakemake"), found.pop("")
        given = [part for name, values in found.items() if values for part in (name, *values)]
        return [str(snakemake), "--cores", str(cores), *others, *given]

    def environment(self):
        return os.environ | {"PYTHONUNBUFFERED": "1"}

    def run(self, *arguments, cores=2):
        """Run Snakemake to its end; the returned process holds all it printed in `stdout`."""
        return subprocess.run(
            self.command(*arguments, cores=cores),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def stamped(self, *arguments):
        """Run Snakemake to its end, a good one: every line that it printed, after its seconds since the start."""
        started = time.monotonic()
        with subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            lines = [(time.monotonic() - started, line) for line in process.stdout]
        assert process.returncode == 0, "".join(line for _, line in lines)[-5000:]
        return lines

    def plan(self, *arguments):
        """How many jobs of each rule Snakemake would run, by a dry-run that must not fail; none if nothing."""
        done = self.run("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout[-5000:]
        return self.job_counts(done.stdout)

    @staticmethod
    def job_counts(output):
        """Number of jobs of each rule, from what a dry-run printed; none if there is nothing to do."""
        tables = set(re.findall(r"Job stats:\n(.*?)\n\n", output, re.DOTALL))
        assert len(tables) <= 1
        rows = [row for table in tables for row in re.findall(r"^(\w+)\s+(\d+)$", table, re.MULTILINE)]
        return {name: int(count) for name, count in rows}

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
