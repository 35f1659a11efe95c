"""What a run cost, from records small enough to add up by hand."""

from dataclasses import replace

import pandas as pd
import pytest
import yaml

from spnet.analysis.cost import Sources, measure_cost
from spnet.errors import DataError
from spnet.report.cost import write_cost

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture
def run(tmp_path):
    """A run of SyN and one network trained on a GPU."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    scores = [
        {"trained_on": source, "dataset": "d", "method": method, "metric": metric, "value": value}
        for source, method, values in (("none", "syn", [(30, 500), (50, 700)]), ("d", "net", [(1, 90), (3, 80)]))
        for seconds, peak in values
        for metric, value in (("seconds", seconds), ("peak_mb", peak), ("dice", 0.5))
    ]
    pd.DataFrame(scores).to_parquet(tmp_path / "m.parquet")
    record = write(
        "models/d/net/seed-0/run.yaml",
        yaml.safe_dump({"definition": {"convolutions": "tf32"}, "device_type": "cuda", "outcome": {"peak_mb": 1234.5}}),
    )
    write("models/d/net/seed-0/history.csv", "step,loss,seconds\n1,.4,9\n2,.3,2\n3,.2,3\n4,.1,2\n")
    write("benchmarks/train_method/d/net/seed-0.tsv", HEADER + "1800\t-\t1\t1\t1\t1\t0\t0\t50\t900\n")
    write("benchmarks/evaluate_chunk/d/net/seed-0/d/chunk-0.tsv", HEADER + "360\t-\t1\t1\t1\t1\t0\t0\t50\t360\n")
    write("benchmarks/evaluate_chunk/none/syn/seed-0/d/chunk-0.tsv", HEADER + "7200\t-\t1\t1\t1\t1\t0\t0\t50\t3600\n")
    write("benchmarks/collect_metrics.tsv", HEADER + "1\t-\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n")
    return Sources(
        tmp_path / "m.parquet", [record], tmp_path / "benchmarks", ["train_method", "evaluate_chunk"], "auto"
    )


def value(table, quantity, **where):
    chosen = table[table["quantity"] == quantity]
    for key, wanted in where.items():
        chosen = chosen[chosen[key] == wanted]
    (found,) = chosen["value"]
    return found


def test_seconds_are_means_and_memory_is_the_largest(run):
    table = measure_cost(run)
    assert value(table, "seconds_per_pair", method="syn", device="cpu") == 40
    assert value(table, "registration_peak_mb", method="syn") == 700
    assert value(table, "seconds_per_pair", method="net", device="cuda") == 2
    assert value(table, "seconds_per_step", method="net") == 2.5
    assert value(table, "hours", method="net") == pytest.approx(16 / 3600)
    assert value(table, "steps", method="net") == 4
    assert value(table, "training_peak_mb", method="net") == 1234.5


def test_gpu_hours_are_of_jobs_with_networks_only_and_core_hours_of_all(run):
    table = measure_cost(run)
    gpu = table[table["quantity"] == "gpu_hours"]
    assert gpu.set_index("method")["value"].to_dict() == {"train_method": 0.5, "evaluate_chunk": 0.1}
    assert table[table["quantity"] == "core_hours"]["value"].sum() == pytest.approx(0.25 + 0.1 + 1)
    assert table[table["quantity"] == "jobs"]["value"].sum() == 4


def test_pairs_are_registered_on_the_device_that_the_study_names_wherever_the_training_was(run):
    table = measure_cost(replace(run, device="cpu"))
    assert value(table, "seconds_per_pair", method="net", device="cpu") == 2
    gpu = table[table["quantity"] == "gpu_hours"]
    assert gpu.set_index("method")["value"].to_dict() == {"train_method": 0.5}


def test_the_page_says_where_the_hours_were_spent(run, tmp_path):
    outputs = {"csv": tmp_path / "cost.csv", "markdown": tmp_path / "cost.md"}
    write_cost(run, {"syn": "SyN", "net": "Net"}, outputs)
    text = outputs["markdown"].read_text()
    assert "1.35 core hours (processor time of all jobs), 0.60 GPU hours." in text
    assert "| SyN | d | none | cpu | 40 | 700 |" in text
    assert "| Net | d | cuda | tf32 | 4 | 2.5 |" in text
    assert "| evaluate_chunk | 2 | 2.1 | 1.1 | 0.1 |" in text


def test_a_run_without_a_gpu_says_so(run, tmp_path):
    record = tmp_path / "models/d/net/seed-0/run.yaml"
    record.write_text(yaml.safe_dump({"device_type": "cpu", "outcome": {}}))
    outputs = {"csv": tmp_path / "cost.csv", "markdown": tmp_path / "cost.md"}
    write_cost(run, {}, outputs)
    assert "no job on a GPU." in outputs["markdown"].read_text()
    assert "GPU hours" not in outputs["markdown"].read_text().split("## The whole run")[1].split("\n\n")[1]


def test_a_damaged_record_or_benchmark_is_named(run, tmp_path):
    (tmp_path / "benchmarks" / "collect_metrics.tsv").write_text("")
    with pytest.raises(DataError, match=r"collect_metrics\.tsv: this benchmark cannot be read"):
        measure_cost(run)
    (tmp_path / "models/d/net/seed-0/run.yaml").write_text("a: [")
    with pytest.raises(DataError, match=r"run\.yaml: this training's record cannot be read"):
        measure_cost(run)
    (tmp_path / "models/d/net/seed-0/run.yaml").write_text("outcome: {}")
    with pytest.raises(DataError, match=r"run\.yaml: this training's record or history lacks 'device_type'"):
        measure_cost(run)
