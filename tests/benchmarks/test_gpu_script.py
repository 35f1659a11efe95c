"""The script for a CUDA machine, tried on the CPU at a small size. Never a time."""

import pytest

from benchmarks import gpu
from benchmarks.gpu_methods import Figures
from benchmarks.paper import Evaluation, Training, count_work
from spnet.config.load import read_study

SIZE = (32, 16, 16)


def test_the_paper_is_forty_trainings_and_1850_unordered_pairs_a_rival():
    trainings, evaluations = count_work(read_study())
    assert len(trainings) == 40
    assert sum(each.pairs for each in evaluations if each.method == "vm") == (380 + 870 + 2450) // 2
    # SPnet also transfers between the two brain datasets, both ways.
    assert sum(each.pairs for each in evaluations if each.method == "spnet") == (380 + 870 + 2450 + 870 + 380) // 2
    assert {each.steps for each in trainings if each.method == "vm"} == {150_000}
    assert {each.voxels for each in trainings if each.method == "spnet"} == {
        160 * 192 * 160,
        128 * 144 * 128,
        160 * 192 * 192,
    }


def test_every_kind_of_method_is_measured_or_told_why_not(tmp_path, capsys):
    output = tmp_path / "gpu.tsv"
    names = ["identity", "syn", "lapirn", "spnet", "symnet-published"]
    gpu.main(["--device", "cpu", "--size", "32x16x16", "--methods", *names, "--output", str(output)])
    lines = [line.split("\t") for line in output.read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == list(gpu.COLUMNS)
    rows = {(line[0], line[1]): dict(zip(lines[0], line, strict=True)) for line in lines[1:]}
    assert rows["syn", "float32"]["left_out"] == "runs on the CPU"
    for name in ("lapirn", "spnet"):
        assert float(rows[name, "float32"]["step_seconds"]) > 0
        assert float(rows[name, "float32"]["pair_mb"]) > 0
    assert rows["identity", "float32"]["step_seconds"] == rows["symnet-published", "float32"]["step_seconds"] == "-"
    assert float(rows["symnet-published", "float32"]["pair_seconds"]) > 0
    assert "which has no TF32" in rows["spnet", "tf32"]["left_out"]
    assert "not possible on the CPU" in rows["spnet", "bfloat16"]["left_out"]
    assert ("spnet", "bfloat16, recomputed") in rows
    assert ("lapirn", "bfloat16, recomputed") not in rows
    printed = capsys.readouterr().out
    assert "LNCC, ours: " in printed
    assert "value and gradient equal bit for bit" in printed
    assert "float32: " in printed.split("the whole paper:")[1]


def test_what_the_time_does_not_reach_is_told():
    methods = {"identity": read_study()["methods"]["identity"]}
    (figures, *_) = gpu.measure_methods(methods, SIZE, gpu.torch.device("cpu"), minutes=-1)
    assert figures.left_out == "not reached in -1 minutes"


def test_hours_are_steps_and_pairs_in_proportion_to_voxels(monkeypatch):
    work = [Training("vm", 2 * 1000, 3600, "here")], [Evaluation("vm", 1000, 7200), Evaluation("spnet", 1000, 1)]
    monkeypatch.setattr(gpu, "count_work", lambda config: work)
    total, of_vm = gpu.estimate_hours([Figures("vm", "float32", 0.5, 0.5)], (10, 10, 10))
    assert total == "float32: 1.0 hours for 1 of 1 trainings, 1.0 for 1 of 2 evaluations"
    assert of_vm == "  float32, vm: 1.00 (here 1.00)"


def test_an_unknown_method_is_refused_by_name():
    with pytest.raises(SystemExit, match="there is no method 'spent', did you mean 'spnet'"):
        gpu.main(["--device", "cpu", "--methods", "spent"])


@pytest.mark.parametrize("size", ["160", "axbxc", "1x2x3x4"])
def test_a_size_that_is_none_is_refused(size, capsys):
    with pytest.raises(SystemExit):
        gpu.main(["--size", size])
    assert "is no size such as" in capsys.readouterr().err
