"""What the profiles ask for and allow, by Snakemake's own arithmetic."""

import re
from types import SimpleNamespace

import pytest
import yaml
from checkouts import DEMO
from snakemake.resources import GroupResources, Resources

CHUNK = {"_cores": 2, "_nodes": 1, "mem_mb": 8000, "runtime": 60}


@pytest.mark.parametrize("gpu", [{"gpu": 1}, {}], ids=["on a GPU", "on the CPU"])
def test_jobs_of_a_group_follow_one_another_so_it_asks_for_the_time_of_all_and_else_for_what_one_needs(repository, gpu):
    profile = yaml.safe_load((repository / "workflow/profiles/slurm/config.yaml").read_text())
    chunk = {**profile["default-resources"], **CHUNK, **gpu}
    limits = {**profile["resources"], "_cores": profile["cores"]}
    chunks = [SimpleNamespace(resources=chunk, pipe_group=None)] * 10
    together = GroupResources.basic_layered([chunks], Resources.from_mapping(limits), run_local=False)
    expected = {**CHUNK, **gpu, "runtime": 600}
    assert {name: together[name] for name in expected} == expected
    # As limits of the whole run they would allow one such job in all of the cluster.
    assert profile["set-resource-scopes"] == dict.fromkeys(profile["resources"], "local")


@pytest.mark.parametrize(("shared", "gpus"), [((), 1), (("mem_mb=32000",), 1), (("gpu=2",), 2)])
def test_one_machine_has_one_gpu_unless_told_otherwise_whatever_else_is_shared(checkout, shared, gpus):
    resources = ("--resources", *shared) if shared else ()
    done = checkout.run("results/demo/splits/mindboggle101.tsv", *DEMO, *resources)
    assert done.returncode == 0, done.stdout
    (told,) = [line for line in done.stdout.splitlines() if line.startswith("Provided resources")]
    assert re.findall(r"\bgpu=\D*(\d+)", told) == [str(gpus)]
