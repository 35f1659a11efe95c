import gzip
import hashlib
import http.server
import logging
import re
import resource
import shutil
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from spnet.data import download as module
from spnet.data.download import download
from spnet.errors import DataError

CONTENT = np.random.default_rng(0).bytes(2_000_000)
SUM = hashlib.sha256(CONTENT).hexdigest()
HALF = 1_000_000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT as `self.server.behaviour` says, and writes down what it was asked for and what it sent."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        behaviour = self.server.behaviour
        asked = self.headers.get("Range")
        behaviour.asked.append(asked)
        status = behaviour.statuses.pop(0) if behaviour.statuses else 200
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and behaviour.ranges else 0
        headers = dict(behaviour.headers)
        body = behaviour.content[start:]
        if status != 200:
            body = b"<html>no</html>"
        elif start >= len(behaviour.content) and start:
            status, body = 416, b""
            headers["Content-Range"] = f"bytes */{len(behaviour.content)}"
        elif start:
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(behaviour.content) - 1}/{len(behaviour.content)}"
        self.send_response(status)
        for name, value in (headers | behaviour.overrides).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = body[: behaviour.breaks.pop(0)] if behaviour.breaks else body
        behaviour.sent += len(sent)  # before the last byte, after which the test may look
        self.wfile.write(sent)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.behaviour = SimpleNamespace(
        content=CONTENT, ranges=True, statuses=[], breaks=[], headers={}, overrides={}, asked=[], sent=0
    )
    httpd.behaviour.url = f"http://127.0.0.1:{httpd.server_address[1]}/scans.tar.gz"
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield httpd.behaviour
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "raw" / "scans.tar.gz"


def fetch(server, target, **changes):
    return download(server.url, target, **{"sha256": SUM, "pauses": (0, 0, 0), "timeout": 5} | changes)


def begun(target, content=CONTENT[:HALF]):
    target.parent.mkdir()
    part = target.with_name("scans.tar.gz.part")
    part.write_bytes(content)
    return part


def names(target):
    return [entry.name for entry in target.parent.iterdir()]


def test_a_file_arrives_whole_and_leaves_no_part(server, target):
    assert fetch(server, target, size_bytes=len(CONTENT)) == target
    assert target.read_bytes() == CONTENT
    assert names(target) == ["scans.tar.gz"]


def test_a_file_that_is_there_is_not_fetched_again(server, target):
    fetch(server, target)
    fetch(server, target, size_bytes=len(CONTENT))
    assert len(server.asked) == 1


def test_another_file_in_its_place_is_told_and_never_replaced(server, target):
    target.parent.mkdir()
    target.write_bytes(b"by hand")
    with pytest.raises(DataError, match=rf"scans\.tar\.gz: the SHA-256 .* should be {SUM}, .* Delete it"):
        fetch(server, target)
    with pytest.raises(DataError, match="should hold 2000000 bytes, but this file holds 7"):
        fetch(server, target, sha256=None, size_bytes=len(CONTENT))
    assert target.read_bytes() == b"by hand"
    assert server.asked == []


def test_a_download_goes_on_from_what_an_earlier_one_left(server, target):
    begun(target)
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [f"bytes={HALF}-"]
    assert server.sent == len(CONTENT) - HALF


def test_a_broken_connection_is_taken_up_where_it_broke(server, target, caplog):
    server.breaks = [700_000, 700_000]
    with caplog.at_level(logging.WARNING):
        fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert server.asked[0] is None
    assert [asked is not None for asked in server.asked[1:]] == [True, True]
    assert server.sent < len(CONTENT) + 2 * module.CHUNK_BYTES
    assert "trying again" in caplog.text


def test_tries_that_bring_new_bytes_are_not_counted(server, target):
    server.breaks = [300_000] * 6
    fetch(server, target, pauses=(0,))
    assert target.read_bytes() == CONTENT


def test_the_pauses_grow_and_then_it_gives_up_and_keeps_the_part(server, target, monkeypatch):
    slept = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    server.breaks = [1_500_000, 0, 0, 0]
    with pytest.raises(DataError, match=r"the server stopped|the connection broke") as caught:
        fetch(server, target, pauses=(1, 2, 3))
    assert slept == [1, 2, 3]
    part = target.with_name("scans.tar.gz.part")
    assert part.read_bytes() == CONTENT[: part.stat().st_size]
    assert f"could not download {server.url}" in str(caught.value)
    assert f"save it as {target}" in str(caught.value)
    assert str(caught.value).endswith("goes on from 1 MB.")
    fetch(server, target)
    assert target.read_bytes() == CONTENT


def test_a_server_without_ranges_begins_again(server, target):
    begun(target)
    server.ranges = False
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert server.sent == len(CONTENT)


def test_a_server_without_ranges_that_always_breaks_is_not_asked_for_ever(server, target):
    server.ranges = False
    server.breaks = [500_000] * 20
    with pytest.raises(DataError, match="could not download"):
        fetch(server, target, pauses=(0, 0))
    assert len(server.asked) == 3


def test_a_part_that_is_whole_already_is_only_checked(server, target):
    begun(target, CONTENT)
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert server.sent == 0
    target.rename(target.with_name("scans.tar.gz.part"))
    fetch(server, target, size_bytes=len(CONTENT))
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_a_part_longer_than_the_file_begins_again(server, target):
    begun(target, CONTENT + b"and more")
    fetch(server, target)
    assert target.read_bytes() == CONTENT


def test_an_answer_that_continues_elsewhere_begins_again(server, target):
    begun(target)
    server.overrides = {"Content-Range": f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"}
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [f"bytes={HALF}-", None]


def test_the_bytes_are_kept_as_they_are_on_the_server(server, target):
    server.content = gzip.compress(CONTENT[:100_000])
    server.headers = {"Content-Encoding": "gzip"}
    fetch(server, target, sha256=hashlib.sha256(server.content).hexdigest())
    assert target.read_bytes() == server.content


def test_a_wrong_sum_removes_the_part_and_tells_both(server, target):
    server.content = b"x" + CONTENT[1:]
    found = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(DataError, match=rf"SHA-256 of {server.url} should be {SUM}, but that of this file is {found}"):
        fetch(server, target)
    assert names(target) == []


def test_a_file_of_another_size_is_refused_before_it_is_fetched(server, target):
    with pytest.raises(DataError, match="holds 2000000 bytes instead of 5"):
        fetch(server, target, size_bytes=5)
    assert names(target) == []


@pytest.mark.parametrize(
    ("status", "hint"), [(404, "404 Not Found: the file may have moved"), (403, "403 Forbidden: .* log in")]
)
def test_a_refusal_names_the_url_and_the_way_by_hand_at_once(server, target, status, hint):
    server.statuses = [status]
    with pytest.raises(DataError, match=rf"download {server.url} \(.*{hint}.*by hand .* save it as {target}"):
        fetch(server, target)
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server, target):
    server.statuses = [503, 429]
    fetch(server, target)
    assert target.read_bytes() == CONTENT


def test_a_web_page_instead_of_the_file_is_told_and_the_part_kept(server, target):
    part = begun(target)
    server.ranges, server.headers = False, {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(DataError, match=r"a web page instead of the file: .* log in .* by hand with a browser"):
        fetch(server, target)
    assert part.read_bytes() == CONTENT[:HALF]


@pytest.mark.parametrize(
    ("url", "reason"),
    [("http://127.0.0.1:9/a.zip", "no connection"), ("a.zip", "Invalid URL"), ("ftp://a/b.zip", "No connection")],
)
def test_without_network_the_message_says_what_to_do_by_hand(tmp_path, url, reason):
    with pytest.raises(DataError, match=rf"could not download {url} \({reason}.* by hand .* {tmp_path}/a\.zip"):
        download(url, tmp_path / "a.zip", sha256=SUM, pauses=(0,))
    assert list(tmp_path.iterdir()) == []


def test_a_silent_server_is_given_up(server, target, monkeypatch):
    silence = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda self: silence.wait(10))
    with pytest.raises(DataError, match=r"no answer within 0\.2 s"):
        fetch(server, target, timeout=0.2, pauses=(0,))
    silence.set()


def test_too_little_space_is_told_before_the_first_byte(server, target, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_100_000))
    with pytest.raises(DataError, match=r"no space left: 2 MB are still missing, 1 MB are free\)\. Free some space"):
        fetch(server, target)
    assert names(target) == []


def test_a_disk_that_fills_up_is_told_and_the_part_kept(server, target):
    # A limit on file size fails in the middle of a real write, as a full disk does.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_300_000, hard))
    try:
        with pytest.raises(DataError, match=r"no space left\).*goes on from 1 MB"):
            fetch(server, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    fetch(server, target)
    assert target.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_told(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"could not write: .*Check that you may write"):
        fetch(server, tmp_path / "file" / "a.zip")
