"""A folder is trained in by one process at a time."""

import fcntl
import logging
import os
import subprocess
import sys
import threading
import time

import pytest

from spnet.training import lock

PROGRAM = """
import pathlib, sys, time
from spnet.training.lock import one_at_a_time
with one_at_a_time(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(lock, "_SECONDS_BETWEEN_LOOKS", 0.01)


def wait_until(what):
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_who_comes_second_names_the_first_waits_and_has_the_folder_once_that_is_killed(tmp_path, caplog):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    entered = threading.Event()

    def enter():
        with lock.one_at_a_time(tmp_path):
            entered.set()

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        try:
            assert first.stdout.readline() == "held\n"
            second = threading.Thread(target=enter)
            second.start()
            wait_until(lambda: caplog.text)
            assert f"{tmp_path}: process {first.pid} on" in caplog.text
            assert not entered.is_set()
        finally:
            first.kill()
    second.join(60)
    assert entered.is_set()
    assert len(caplog.records) == 1
    assert list(tmp_path.iterdir()) == []


def test_of_many_who_wait_only_one_is_inside(tmp_path):
    inside, most = [], []

    def enter():
        with lock.one_at_a_time(tmp_path):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == [1] * 8


def test_where_the_system_knows_no_locks_training_goes_on_with_a_warning(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(38, os.strerror(38))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with caplog.at_level(logging.WARNING), lock.one_at_a_time(tmp_path):
        assert "cannot be locked" in caplog.text
