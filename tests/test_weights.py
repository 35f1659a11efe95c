import dataclasses
import hashlib
import http.server
import re
import threading

import pytest
import torch

from spnet import cli, weights
from spnet.errors import WeightsError
from spnet.methods import build_method
from spnet.weights import PUBLISHED, find_published, load_weights

CONTENT = b"weights of a network"


@pytest.fixture
def entry(monkeypatch, tmp_path):
    """A published file `tiny`, cached under tmp_path; its URL leads nowhere unless a test says so."""
    published = dataclasses.replace(
        PUBLISHED["spnet"],
        file="tiny.pt",
        url="http://127.0.0.1:9/tiny.pt",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    monkeypatch.setitem(PUBLISHED, "tiny", published)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(weights.SHARED_VARIABLE, raising=False)
    return published


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "tiny.pt").write_bytes(CONTENT)
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    httpd = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *arguments: handler(*arguments, directory=str(folder))
    )
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}/tiny.pt"
    httpd.shutdown()


def put(folder, content=CONTENT):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.pt").write_bytes(content)
    return folder / "tiny.pt"


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_file_is_pinned_to_a_whole_commit_and_equals_the_shared_one(shared, name):
    entry = PUBLISHED[name]
    assert re.search("/raw/[0-9a-f]{40}/", entry.url)
    content = (shared / "weights" / entry.file).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (entry.size_bytes, entry.sha256)


def test_the_shared_folder_comes_before_weights_root(entry, tmp_path, monkeypatch):
    ours = put(tmp_path / "root")
    assert find_published("tiny", tmp_path / "root") == ours
    theirs = put(tmp_path / "shared" / "weights")
    monkeypatch.setenv(weights.SHARED_VARIABLE, str(tmp_path / "shared"))
    assert find_published("tiny", tmp_path / "root") == theirs


def test_a_file_with_another_checksum_is_refused(entry, tmp_path):
    put(tmp_path / "root", b"something else")
    with pytest.raises(WeightsError, match=r"root/tiny\.pt: the SHA-256 is"):
        find_published("tiny", tmp_path / "root")


def test_a_file_that_is_nowhere_is_downloaded_and_checked(entry, server, monkeypatch, tmp_path):
    monkeypatch.setitem(PUBLISHED, "tiny", dataclasses.replace(entry, url=server))
    assert find_published("tiny").read_bytes() == CONTENT
    (tmp_path / "served" / "tiny.pt").write_bytes(b"tampered with")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other-cache"))
    with pytest.raises(WeightsError, match="could not download"):
        find_published("tiny")


def test_without_network_the_message_says_what_to_do_by_hand(entry):
    with pytest.raises(WeightsError, match=r"could not download .*save it as tiny\.pt in weights_root"):
        find_published("tiny")


def test_the_command_prints_the_path_and_copies(entry, tmp_path, capsys):
    ours = put(tmp_path / "root")
    assert cli.main(["weights", "tiny", "--weights-root", str(tmp_path / "root")]) == 0
    assert capsys.readouterr().out.strip() == str(ours)
    assert cli.main(["weights", "tiny", "--weights-root", str(tmp_path / "root"), "--to", str(tmp_path / "c.pt")]) == 0
    assert (tmp_path / "c.pt").read_bytes() == CONTENT


def test_the_command_tells_an_unknown_name_and_fails(capsys):
    assert cli.main(["weights", "nothing"]) == 1
    assert "no published weights 'nothing'" in capsys.readouterr().err


def test_weights_of_another_architecture_are_refused_with_the_differences(tmp_path):
    other = build_method("spnet", {"channels": [4, 16, 32, 32]})
    torch.save(other.state_dict(), tmp_path / "other.pt")
    with pytest.raises(
        WeightsError, match=r"other\.pt: .*another architecture than SPnet: 'conv0a\.0\.weight' is \(4,"
    ):
        load_weights(build_method("spnet"), tmp_path / "other.pt")
    torch.save({"conv0a.0.bias": torch.zeros(8)}, tmp_path / "few.pt")
    with pytest.raises(WeightsError, match="is missing; and 48 more"):
        load_weights(build_method("spnet"), tmp_path / "few.pt")


@pytest.mark.parametrize("content", [b"not weights", b""], ids=["text", "empty"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, content):
    (tmp_path / "bad.pt").write_bytes(content)
    with pytest.raises(WeightsError, match="not a readable PyTorch file"):
        load_weights(build_method("spnet"), tmp_path / "bad.pt")
