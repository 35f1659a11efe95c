"""The examination tells what is amiss, and its tests can fail."""

import dataclasses
import hashlib
import re

import pytest
import torch

from spnet import weights
from spnet.cli import main
from spnet.doctor import Places, examine, installation, machine, material, selftest
from spnet.doctor.findings import Finding, guarded
from spnet.errors import DataError
from spnet.weights import PUBLISHED


def look(places, **options):
    return list(examine(places, **options))


@pytest.fixture
def places(tmp_path, repository, monkeypatch):
    """Nothing there but the checkout."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(weights.SHARED_VARIABLE, raising=False)
    return Places(data_root=tmp_path / "data", results=tmp_path / "results")


def test_an_empty_machine_is_told_what_it_lacks_and_nothing_fails(places):
    found = look(places, test=False)
    assert [finding.topic for finding in found if finding.level == "FAIL"] == []
    missing = [finding for finding in found if finding.topic in ("weights", "data")]
    assert {finding.level for finding in missing} == {"WARN"}
    assert len(missing) == len(PUBLISHED) + 3
    assert "spnet weights symnet downloads them" in " ".join(finding.remedy for finding in missing)
    assert "mindboggle.info" in " ".join(finding.remedy for finding in missing)


def test_the_pinned_versions_are_read_from_the_checkout(repository):
    pins = installation.read_pins(repository / "constraints.txt")
    lines = [line for line in (repository / "constraints.txt").read_text().splitlines() if "==" in line]
    assert len(pins) == len(lines)
    assert pins["pyyaml"] and pins["typing-extensions"]


def versions(tmp_path, text):
    (tmp_path / "constraints.txt").write_text(text)
    (finding,) = [
        item for item in installation.examine_installation(tmp_path / "constraints.txt") if item.topic == "versions"
    ]
    return finding


def test_versions_that_differ_are_named_and_builds_for_a_machine_do_not_differ(tmp_path):
    here = torch.__version__.partition("+")[0]
    assert versions(tmp_path, f"torch=={here}\nno-such-package==1.0\n").level == "PASS"
    differing = versions(tmp_path, "torch==0.1\n")
    assert differing.level == "WARN"
    assert f"torch {torch.__version__.partition('+')[0]}" in differing.told
    assert "(pinned 0.1)" in differing.told
    assert differing.remedy


def test_a_checkout_without_constraints_and_a_package_that_is_missing_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(installation, "dependency_versions", lambda: {"ants": "1", "gone": "not installed"})
    found = {(item.level, item.topic): item for item in installation.examine_installation(tmp_path / "none.txt")}
    assert "not installed: gone" in found["FAIL", "packages"].told
    assert found["WARN", "versions"].told == "no none.txt to compare with"


def test_weights_are_told_by_their_checksum(places, tmp_path, monkeypatch):
    content = b"weights"
    entry = dataclasses.replace(PUBLISHED["spnet"], file="tiny.pt", sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(material, "PUBLISHED", {"tiny": entry})
    monkeypatch.setitem(PUBLISHED, "tiny", entry)
    (tmp_path / "tiny.pt").write_bytes(content)
    (good,) = material.examine_weights(tmp_path)
    assert good.level == "PASS"
    (tmp_path / "tiny.pt").write_bytes(b"other")
    (bad,) = material.examine_weights(tmp_path)
    assert bad.level == "FAIL"
    assert "tiny.pt: the SHA-256 is" in bad.told


def test_scans_are_counted_and_archives_that_lie_packed_are_told(tmp_path, repository):
    cohort = tmp_path / "mindboggle101" / "OASIS-TRT-20_volumes"
    for number in (1, 2):
        folder = cohort / f"OASIS-TRT-20-{number}"
        folder.mkdir(parents=True)
        for name in ("t1weighted_brain.nii.gz", "labels.DKT31.manual.nii.gz"):
            (folder / name).write_bytes(b"")
    (tmp_path / "candi").mkdir()
    (tmp_path / "candi" / "SchizBull_2008_HC_segimg.tar.gz").write_bytes(b"")
    found = list(material.examine_data(repository / "config", tmp_path))
    assert [finding.level for finding in found] == ["WARN"] * 3
    assert "mindboggle101: 2 of 62 subjects (2 test)" in found[0].told
    assert "SchizBull_2008_HC_segimg.tar.gz" in found[1].told
    assert "not unpacked" in found[1].told
    assert "oai: raw scans are missing" in found[2].told


def test_without_a_checkout_nothing_is_known_of_scans_and_a_broken_file_of_datasets_is_told(tmp_path):
    (unknown,) = material.examine_data(tmp_path, tmp_path)
    assert unknown.level == "WARN"
    assert "Run in a checkout" in unknown.remedy
    (tmp_path / "datasets.yaml").write_text("{not: yaml")
    (tmp_path / "methods.yaml").write_text("methods: {}")
    (broken,) = guarded("data", lambda: material.examine_data(tmp_path, tmp_path), "")
    assert broken.level == "FAIL"
    assert "datasets.yaml: this file cannot be read" in broken.told


def test_a_cuda_device_is_named_with_its_memory_and_its_absence_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (absent,) = machine.examine_device()
    assert absent.level == "WARN"
    assert absent.remedy
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (30e9, 80e9))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU of test {index}")
    first, second = machine.examine_device()
    assert first.level == second.level == "PASS"
    assert "cuda:1 GPU of test 1, 80.0 GB (30.0 free)" in second.told


@pytest.mark.parametrize(("free", "level"), [(500e9, "PASS"), (5e9, "WARN"), (0.1e9, "FAIL")])
def test_a_full_disk_is_told(free, level, tmp_path, monkeypatch):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: type("Usage", (), {"free": free}))
    finding = machine.examine_disk(tmp_path / "not" / "yet")
    assert finding.level == level
    assert bool(finding.remedy) == (level != "PASS")


def test_whatever_goes_wrong_is_a_finding(tmp_path):
    def broken():
        yield Finding("PASS", "one", "fine")
        raise RuntimeError("cannot\nat all")

    def refused():
        raise DataError("not there", path=tmp_path, remedy="Get it")

    assert list(guarded("x", broken, "Mend it")) == [
        Finding("PASS", "one", "fine"),
        Finding("FAIL", "x", "RuntimeError: cannot", "Mend it"),
    ]
    assert list(guarded("x", refused, "Mend it")) == [Finding("FAIL", "x", f"{tmp_path}: not there", "Get it")]


def test_a_finding_is_a_line_and_below_it_what_to_do():
    assert re.fullmatch(r"WARN  disk +little\n +To do: Free some", str(Finding("WARN", "disk", "little", "Free some")))
    assert "\n" not in str(Finding("PASS", "disk", "much"))


def test_the_self_test_passes_here(shared):
    found = list(selftest.self_test(shared / "weights" / PUBLISHED["spnet"].file))
    assert [finding for finding in found if finding.level != "PASS"] == []
    assert {"test:fields", "test:metrics", "test:network", "test:training", "test:spnet", "test:ants"} <= {
        finding.topic for finding in found
    }


def test_the_self_test_finds_a_warp_that_is_off_a_network_that_is_not_symmetric_and_a_wrong_metric(monkeypatch):
    real = selftest.warp
    selftest._pair()
    monkeypatch.setattr(selftest, "warp", lambda *arguments: real(*arguments) * 1.001)
    assert selftest._fields().level == "FAIL"
    monkeypatch.setattr(selftest, "hd95_per_label", lambda *_: {1: 3.0})
    assert selftest._metrics().level == "FAIL"
    monkeypatch.setattr(selftest, "_spnet", lambda: selftest.build_method("spnet", {"directions": "forward"}))
    assert [item.level for item in guarded("network", selftest._network, "")] == ["FAIL"]


def test_the_command_ends_with_0_where_nothing_failed_and_1_where_something_did(places, tmp_path, capsys):
    arguments = ["doctor", "--no-test", "--data-root", str(places.data_root), "--results", str(places.results)]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(re.match(r"(PASS|WARN|FAIL)  \w| {20}", line) for line in lines)
    (tmp_path / PUBLISHED["spnet"].file).write_bytes(b"damaged")
    assert main([*arguments, "--weights-root", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "FAIL  weights" in out
    assert "1 of the above failed" in out
