"""The runner at tiny sizes: what it writes, what it leaves out, what stops it. Never a time."""

import ctypes
import sys
from contextlib import suppress
from dataclasses import replace

import pandas as pd
import pytest
import torch

from benchmarks import run
from benchmarks.cases import CASES, OURS, PLAIN, Setting
from benchmarks.checks import check_aims, grow
from benchmarks.inputs import PAPER_SIZE, write_subjects
from benchmarks.measure import measure_once, time_interleaved
from benchmarks.peers import PEERS
from benchmarks.table import CHECK_COLUMNS, ROW_COLUMNS, Check, Row
from benchmarks.worker import DisagreementError, Request, answer
from spnet.evaluation.cost import measure

TINY = Setting((16, 16, 16), subjects=2)


def own_forms(case):
    return [form for form in CASES[case].forms if form not in PEERS]


def request(case, forms, rounds=1):
    return Request(case, TINY, forms, rounds, torch.get_num_threads())


def row(**values):
    return Row(
        **{
            "what": "work",
            "against": PLAIN,
            "size": "8x8x8",
            "ratio": 2.0,
            "our_seconds": 1.0,
            "their_seconds": 2.0,
            "our_mb": 10.0,
            "their_mb": 20.0,
        }
        | values
    )


@pytest.mark.parametrize("case", CASES)
def test_own_forms_of_every_case_run_and_agree(case):
    found = answer(request(case, own_forms(case)))
    assert set(found.seconds) | set(found.left_out) == set(own_forms(case))
    assert {OURS, PLAIN} <= set(found.seconds)
    for versus in CASES[case].rows:
        if versus.bound is not None and versus.ours in found.seconds and versus.against in found.seconds:
            differences = found.differences[f"{versus.ours} | {versus.against}"]
            assert differences
            assert max(differences.values()) <= versus.bound


@pytest.mark.parametrize(
    ("case", "peer"), [(case, peer) for case in CASES for peer in PEERS if peer in CASES[case].forms]
)
def test_a_peer_that_is_not_there_is_told_and_left_out(case, peer, monkeypatch):
    # Parts that another test imported would be found without their package.
    parts = [name for name in sys.modules if name.startswith(f"{PEERS[peer]}.")]
    for module in (PEERS[peer], "neurite", *parts):
        monkeypatch.setitem(sys.modules, module, None)
    for rounds in (0, 1):
        found = answer(request(case, [peer], rounds))
        assert found.seconds == {}
        assert found.left_out == {peer: f"not installed ({PEERS[peer]})"}


def test_forms_that_disagree_stop_the_run(monkeypatch):
    forms = dict(CASES["warp"].forms)
    wrong = {
        OURS: forms[OURS],
        PLAIN: lambda setting: lambda number: [2 * part for part in forms[PLAIN](setting)(number)],
    }
    monkeypatch.setitem(CASES, "warp", replace(CASES["warp"], forms=wrong))
    with pytest.raises(
        DisagreementError, match=r"output of 'ours' and 'plain form' differ by 5\.0e-01, more than 1e-03"
    ):
        answer(request("warp", [OURS, PLAIN]))


def test_a_failure_of_our_own_is_not_left_out(monkeypatch):
    def broken(setting):
        raise ValueError("broken")

    monkeypatch.setitem(CASES, "warp", replace(CASES["warp"], forms={OURS: broken}))
    with pytest.raises(ValueError, match="broken"):
        answer(request("warp", [OURS]))


def test_rounds_interleave_and_results_of_a_round_are_seen_together():
    order, seen = [], []
    runs = {name: lambda number, name=name: order.append((name, number)) or number for name in "ab"}
    seconds = time_interleaved(runs, 2, lambda results: seen.append(dict(results)))
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert seen == [{"a": 0, "b": 0}, {"a": 1, "b": 1}]
    assert {name: len(each) for name, each in seconds.items()} == {"a": 2, "b": 2}


def allocate(_):
    return torch.ones(64 * 2**20 // 4).sum().item()


@pytest.fixture
def returned_memory():
    """Freed memory goes back to the system, as in a fresh process: a test before may have had it kept."""
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(-4, 65536)  # M_MMAP_MAX
        library.mallopt(-1, 2**17)  # M_TRIM_THRESHOLD
        library.malloc_trim(0)


@pytest.mark.usefixtures("returned_memory")
def test_peak_memory_is_that_of_the_run():
    _, peak_mb = measure_once(allocate)
    assert 55 < peak_mb < 90


@pytest.mark.usefixtures("returned_memory")
def test_peak_memory_survives_a_measurement_inside_the_run():
    def run_with_inner_measurement(number):
        allocate(number)
        with measure(torch.device("cpu")):
            pass

    _, peak_mb = measure_once(run_with_inner_measurement)
    assert peak_mb > 55


def test_only_what_is_counted_in_voxels_may_be_further_apart_on_a_smaller_grid():
    pair = CASES["pair"]
    row = pair.rows[0]
    assert pair.bound(row, "dice", PAPER_SIZE) == row.bound
    assert pair.bound(row, "dice", (80, 96, 80)) == pytest.approx(8 * row.bound)
    assert pair.bound(row, "ice", (32, 40, 32)) == row.bound
    assert CASES["step"].bound(CASES["step"].rows[0], "loss", (32, 40, 32)) == CASES["step"].rows[0].bound


def test_growth_in_proportion_has_the_exponent_one():
    sizes = {"8x8x8": 1.0, "8x8x16": 2.0, "16x16x16": 8.0}
    rows, checks = grow([row(size=size, our_seconds=times, our_mb=10 * times) for size, times in sizes.items()])
    assert [each.size for each in rows] == ["8x8x16", "16x16x16"]
    assert [each.ratio for each in rows] == pytest.approx([1, 1])
    found = {check.what.split(": ")[1]: check.found for check in checks}
    assert found["seconds"] == pytest.approx(1)
    assert found["memory"] == pytest.approx(1)
    assert found["seconds of the plain form"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("found", "wanted", "holds"),
    [(5.0, ">= 5", "yes"), (4.9, ">= 5", "no"), (1e-6, "<= 1e-05", "yes"), (float("nan"), "<= 1", "no"), (3.0, "", "")],
)
def test_a_check_says_whether_it_holds(found, wanted, holds):
    assert Check("x", "8x8x8", found, wanted).holds == holds


def test_aims_are_judged_at_their_own_size_only():
    small, large = (row(size=size, ratio=6.0) for size in ("64x80x64", "96x112x96"))
    assert [check.wanted for check in check_aims("step", {(OURS, PLAIN): small}) if "speed-up" in check.what] == [""]
    assert [check.holds for check in check_aims("step", {(OURS, PLAIN): large}) if "speed-up" in check.what] == ["yes"]


def test_the_command_writes_ratios_memory_checks_and_machine(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(run.Bench, "_ask", lambda self, request: answer(request))
    output = tmp_path / "results.tsv"
    threads = str(torch.get_num_threads())
    run.main(["--quick", "--cases", "integrate", "pair", "subjects", "--threads", threads, "--output", str(output)])
    table = pd.read_csv(output, sep="\t", comment="#")
    assert tuple(table.columns) == ROW_COLUMNS
    assert ROW_COLUMNS == ("what", "against", "size", "ratio", "our_seconds", "their_seconds", "our_mb", "their_mb")
    plain = table[table["against"] == PLAIN].iloc[0]
    assert plain["ratio"] == pytest.approx(plain["their_seconds"] / plain["our_seconds"], rel=0.02)
    assert table["size"].iloc[-1] == "16x16x16, 3 subjects"
    assert output.read_text().startswith("# machine: ")
    checks = pd.read_csv(output.with_suffix(".checks.tsv"), sep="\t", comment="#")
    assert tuple(checks.columns) == CHECK_COLUMNS
    assert set(checks["holds"].dropna()) == {"yes"}
    assert checks["what"].str.contains("exponent of voxels").sum() == 4
    assert "integration, 7 steps" in capsys.readouterr().out


def test_a_measurement_is_a_process_of_its_own(tmp_path):
    bench = run.Bench(run.QUICK, 1, tmp_path / "results.tsv")
    found = bench._ask(request("warp", [OURS], rounds=0))
    assert set(found.seconds) == {OURS}
    assert found.peak_mb >= 0


def test_a_measurement_that_fails_is_told(tmp_path):
    bench = run.Bench(run.QUICK, 1, tmp_path / "results.tsv")
    with pytest.raises(run.WorkerError, match="warp at 16x16x16, nobody's form failed"):
        bench._ask(request("warp", ["nobody's form"]))


def test_real_subjects_are_scored_with_the_published_weights(tmp_path, shared, monkeypatch):
    monkeypatch.setenv("SPNET_SHARED", str(shared))
    monkeypatch.setattr(run.Bench, "_ask", lambda self, request: answer(request))
    folder, keeper = write_subjects(3, (16, 24, 16))
    bench = run.Bench(run.QUICK, torch.get_num_threads(), tmp_path / "results.tsv")
    bench.measure_real(folder)
    assert {row.what for row in bench.rows} >= {
        "SPnet, evaluation of a pair with all metrics, published weights on real subjects"
    }
    assert {row.size for row in bench.rows} == {"16x24x16"}
    assert {check.holds for check in bench.checks} <= {"yes", ""}
    keeper.cleanup()
