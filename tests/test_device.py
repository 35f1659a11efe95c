"""What a process that computes is told first."""

import platform
import subprocess
import sys

import pytest
import torch

from spnet.device import convolution_precision, resolve_convolutions, set_convolution_precision
from spnet.errors import ConfigError
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


def test_the_precision_of_convolutions_is_what_the_device_has(monkeypatch):
    cpu, card = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "an old card")
    assert resolve_convolutions("auto", cpu) == "float32"
    for capability, wanted in (((9, 0), "tf32"), ((8, 0), "tf32"), ((7, 5), "float32")):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, found=capability: found)
        assert resolve_convolutions("auto", card) == wanted
    for device, name in ((cpu, "the CPU"), (card, "an old card")):
        with pytest.raises(ConfigError, match=f"tf32 is not possible on {name}.*Set compute: convolutions to auto"):
            resolve_convolutions("tf32", device)
    with pytest.raises(ConfigError, match="bfloat16 is not possible on the CPU"):
        resolve_convolutions("bfloat16", cpu)


def test_tf32_is_for_convolutions_alone():
    before = convolution_precision()
    try:
        for precision in ("tf32", "ieee"):
            set_convolution_precision(precision)
            assert convolution_precision() == precision
            assert not torch.backends.cuda.matmul.allow_tf32
    finally:
        set_convolution_precision(before)
