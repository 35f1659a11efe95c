import errno
import hashlib
import os
import subprocess
import sys

import pytest

from spnet.errors import OutputError
from spnet.files import atomic_path, remove_partial, sha256_of, write_text


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(path.parent.iterdir()) == []
    write_text(path, "whole")
    assert path.read_text() == "whole"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_former_file_alone(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "former")
    with pytest.raises(OutputError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["former"]


def test_two_that_write_one_file_at_once_do_not_meet_in_it(tmp_path):
    """As a job does that outlived its workflow, and the one that was started in its place."""
    path = tmp_path / "a.txt"
    with atomic_path(path) as one:
        one.write_text("first, and long")
        with atomic_path(path) as other:
            other.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first, and long"
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_writers_have_left_is_removed_and_nothing_else(tmp_path):
    program = """
import os, signal, sys
from spnet.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    path = tmp_path / "a.txt"
    write_text(path, "former")
    subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True)
    assert len(list(tmp_path.iterdir())) == 2
    remove_partial(tmp_path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "former"


def test_a_full_disk_is_told_with_the_file_and_the_space_left(tmp_path):
    # A limit on file size fails in the middle of a real write, as a full disk does.
    program = """
import resource, signal, sys, numpy as np
from spnet.data.nifti import Volume, write_volume
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).random((64, 64, 64), dtype=np.float32)
write_volume(sys.argv[1], Volume(noise, np.eye(4)), np.float32)
"""
    target = tmp_path / "image.nii.gz"
    done = subprocess.run([sys.executable, "-c", program, str(target)], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{target}: no space left to write this file" in done.stderr
    assert "MB free" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_when_a_checkpoint_does_not_fit(tmp_path):
    program = """
import resource, signal, sys, pathlib, torch
from spnet.training.checkpoint import save_state
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
save_state(pathlib.Path(sys.argv[1]), {"weights": torch.rand(100_000)})
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.pt")], capture_output=True, text=True)
    assert f"{tmp_path}/a.pt: no space left to write this file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="could not write this file"):
        write_text(tmp_path / "file" / "a.txt", "text")


def test_the_checksum_follows_the_content(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    assert sha256_of(path) == hashlib.sha256(b"one").hexdigest()
    path.write_bytes(b"another")
    assert sha256_of(path) == hashlib.sha256(b"another").hexdigest()
