"""What a process that computes is told first."""

import platform
import subprocess
import sys

import pytest

from spnet.jobs import device_of


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_freed_memory_is_kept_when_asked():
    """In a process of its own, since it cannot be taken back."""
    program = """
import torch
from spnet.device import keep_freed_memory
from spnet.evaluation.cost import resident_mb
if {keep}:
    keep_freed_memory()
torch.ones(2**26)  # 256 MiB, freed at once
print(resident_mb("VmRSS"))
"""
    kept, returned = (
        float(subprocess.run([sys.executable, "-c", program.format(keep=keep)], check=True, capture_output=True).stdout)
        for keep in (True, False)
    )
    assert kept > returned + 200


@pytest.mark.parametrize(
    ("resources", "device"),
    [
        ({"gpu": 1}, "cuda:1"),
        ({"gpu": 0, "gres": "gpu:tesla:1"}, "cuda:1"),
        ({"gpu": 0, "gres": ""}, "cpu"),
        ({"gpu": 0, "mem_mb": 8000}, "cpu"),
    ],
)
def test_a_job_computes_on_the_configured_device_only_if_it_was_given_a_gpu(resources, device):
    assert device_of(resources, "cuda:1") == device
