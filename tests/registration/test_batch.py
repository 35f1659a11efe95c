"""A table of pairs."""

import json
import os
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from spnet.data.nifti import Volume, write_volume
from spnet.errors import ConfigError, DataError, OutputError, RegistrationError, WeightsError
from spnet.evaluation.chunk import MethodSpec
from spnet.registration import batch
from spnet.registration.batch import Task, read_pairs, register_batch
from spnet.registration.choice import Choice
from spnet.registration.output import Settings
from spnet.virtual.brain import VirtualOptions, virtual_subject

SETTINGS = Settings(forms=("native",))


@pytest.fixture
def table(tmp_path):
    """Function that writes a table of pairs; in its folder three aligned scans, the third of which is no image."""
    for name in ("a", "b"):
        image, labels = virtual_subject(name, VirtualOptions(spacing=5.0, deformation=2.0), 0)
        write_volume(tmp_path / f"{name}.nii.gz", image, np.float32, space=1)
        write_volume(tmp_path / f"{name}-labels.nii.gz", labels, np.int16, space=1)
    (tmp_path / "c.nii.gz").write_text("no image")

    def write(*rows, header="moving\tfixed\tmoving_labels\tfixed_labels\tid"):
        path = tmp_path / "pairs.tsv"
        path.write_text("\n".join([header, *("\t".join(row) for row in rows)]) + "\n")
        return path

    return write


@pytest.fixture
def identity(choice):
    """Affine only, and the scans taken as aligned: a second a pair."""
    preparation = choice.preparation.__class__("mni152", 5.0, (32, 40, 32), affine="aligned")
    return Choice("identity", MethodSpec("identity"), "mindboggle101", preparation)


PAIR = ("a.nii.gz", "b.nii.gz", "a-labels.nii.gz", "b-labels.nii.gz", "one")
BACK = ("b.nii.gz", "a.nii.gz", "b-labels.nii.gz", "a-labels.nii.gz", "two")
BROKEN = ("a.nii.gz", "c.nii.gz", "", "", "three")


def status(summary):
    return dict(zip(summary["id"], summary["status"], strict=True))


def test_every_pair_is_done_a_broken_one_is_told_and_a_finished_one_kept(table, identity, tmp_path):
    out = tmp_path / "out"
    path = table(PAIR, BROKEN)
    summary = register_batch(read_pairs(path), identity, SETTINGS, out, "cpu")
    assert status(summary) == {"one": "done", "three": "failed"}
    assert "three failed: " in batch.to_text(summary)
    assert "c.nii.gz" in summary["error"][1]
    assert 0 < summary["dice_after"][0] < 1
    report = out / "one" / "report.json"
    before = report.stat().st_mtime_ns
    summary = register_batch(read_pairs(table(PAIR, BACK)), identity, SETTINGS, out, "cpu")
    assert status(summary) == {"one": "kept", "two": "done"}
    assert report.stat().st_mtime_ns == before
    written = pd.read_csv(out / "summary.tsv", sep="\t")
    assert written["dice_after"].round(5).tolist() == summary["dice_after"].round(5).tolist()


def test_changed_inputs_and_changed_settings_are_done_again(table, identity, tmp_path):
    out, pairs = tmp_path / "out", read_pairs(table(PAIR, BACK))
    register_batch(pairs, identity, SETTINGS, out, "cpu")
    labels = nib.load(tmp_path / "a-labels.nii.gz")
    changed = np.asarray(labels.dataobj).copy()
    changed[changed > 2000] = 0
    write_volume(tmp_path / "a-labels.nii.gz", Volume(changed, labels.affine), np.int16, space=1)
    assert set(status(register_batch(pairs, identity, SETTINGS, out, "cpu")).values()) == {"done"}
    assert set(status(register_batch(pairs, identity, SETTINGS, out, "cpu")).values()) == {"kept"}
    other = Settings(forms=("native", "learn2reg"))
    assert set(status(register_batch(pairs, identity, other, out, "cpu")).values()) == {"done"}


def test_a_pair_that_was_interrupted_is_done_again(table, identity, tmp_path):
    out, pairs = tmp_path / "out", read_pairs(table(PAIR))
    register_batch(pairs, identity, SETTINGS, out, "cpu")
    report = out / "one" / "report.json"
    report.write_text(report.read_text()[:100])
    assert status(register_batch(pairs, identity, SETTINGS, out, "cpu")) == {"one": "done"}
    assert json.loads(report.read_text())["fingerprint"]
    (out / "one" / "warped.nii.gz").unlink()
    assert status(register_batch(pairs, identity, SETTINGS, out, "cpu")) == {"one": "done"}
    assert (out / "one" / "warped.nii.gz").is_file()


def test_a_scan_of_several_pairs_is_prepared_once(table, identity, tmp_path):
    register_batch(read_pairs(table(PAIR, BACK)), identity, SETTINGS, tmp_path / "out", "cpu")
    assert len(list((tmp_path / "out" / "prepared").iterdir())) == 2


def end_this_process(item):
    os._exit(9)


def test_a_worker_that_the_system_ends_is_told():
    with batch._workers(2) as pool, pytest.raises(RegistrationError, match=r"lack of memory.*fewer --jobs"):
        list(batch._run(pool, end_this_process, ["a"], "registering", "pair"))


@pytest.mark.slow
def test_several_processes_do_the_same(table, identity, tmp_path):
    pairs = read_pairs(table(PAIR, BACK, BROKEN))
    alone = register_batch(pairs, identity, SETTINGS, tmp_path / "alone", "cpu")
    together = register_batch(pairs, identity, SETTINGS, tmp_path / "together", "cpu", jobs=2)
    assert status(together) == status(alone)
    assert together["dice_after"].equals(alone["dice_after"])


def test_tables_that_cannot_be_read_are_told(table, tmp_path):
    with pytest.raises(DataError, match="line 3 lacks"):
        read_pairs(table(PAIR, ("a.nii.gz", "", "", "", "x")))
    with pytest.raises(DataError, match="'one' is there twice"):
        read_pairs(table(PAIR, PAIR))
    for name in ("summary.tsv", "prepared"):
        with pytest.raises(DataError, match=f"the id '{name}' cannot be the name of a pair's folder"):
            read_pairs(table((*PAIR[:4], name)))
    with pytest.raises(DataError, match="cannot be the name of a pair's folder"):
        read_pairs(table((*PAIR[:4], "../elsewhere")))
    with pytest.raises(DataError, match=r"columns are missing: fixed; the header is 'moving.fix'"):
        read_pairs(table(("a", "b"), header="moving\tfix"))
    with pytest.raises(DataError, match="columns are missing: moving, fixed"):
        read_pairs(table(header="moving,fixed"))
    with pytest.raises(DataError, match="has no pairs"):
        read_pairs(table())
    with pytest.raises(DataError, match="line 2: fixed_side is 'Left', did you mean 'left'"):
        read_pairs(table(("a", "b", "Left"), header="moving\tfixed\tfixed_side"))
    with pytest.raises(DataError, match="not a readable"):
        read_pairs(tmp_path / "none.tsv")


def test_what_every_pair_would_fail_for_is_told_at_once(table, identity, tmp_path):
    pairs = read_pairs(table(PAIR))
    (tmp_path / "weights.pt").write_text("no weights")
    broken = replace(identity, spec=MethodSpec("vm", {}, tmp_path / "weights.pt"))
    with pytest.raises(WeightsError, match=r"weights\.pt: this is not a readable PyTorch file"):
        register_batch(pairs, broken, SETTINGS, tmp_path / "out", "cpu")
    with pytest.raises(ConfigError, match="not a device"):
        register_batch(pairs, identity, SETTINGS, tmp_path / "out", "teapot")
    with pytest.raises(OutputError, match="folder for results"):
        register_batch(pairs, identity, SETTINGS, tmp_path / "weights.pt", "cpu")


def test_pairs_without_ids_are_named_by_their_scans(table):
    assert list(read_pairs(table(("a.nii.gz", "b.nii"), header="moving\tfixed"))) == ["a_onto_b"]


def test_the_fingerprint_is_of_what_decides_the_result(table, identity, tmp_path):
    files = read_pairs(table(PAIR))["one"]
    task = Task("one", files, identity, SETTINGS, tmp_path, "cpu", 1)
    elsewhere = Task("one", files, identity, SETTINGS, tmp_path / "other", "cuda", 4)
    assert task.fingerprint() == elsewhere.fingerprint()
    refined = Task("one", files, identity, Settings(5, ("native",)), tmp_path, "cpu", 1)
    assert task.fingerprint() != refined.fingerprint()
