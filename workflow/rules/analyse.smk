"""Scores joined, method by method and then all of them; the paper's tables."""

# What writes a result for reading.
DOCUMENTS = ("report/document", "report/render", "report/templates/document")
LABEL_SETS = {name: entry["label_set"] for name, entry in DATASETS.items()}


rule collect_scores:
    input:
        lambda wildcards: chunks_of(wildcards.trained_on, wildcards.dataset, wildcards.method),
    output:
        f"{RUN}/metrics/{{trained_on}}/{{dataset}}/{{method}}.parquet",
    log:
        f"{RUN}/logs/collect_scores/{{trained_on}}/{{dataset}}/{{method}}.log",
    benchmark:
        f"{RUN}/benchmarks/collect_scores/{{trained_on}}/{{dataset}}/{{method}}.tsv"
    priority: RESULTS
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(10),
    script:
        "../scripts/collect_scores.py"


# For notebooks and what judges the whole run: nothing that can be had earlier waits for it.
use rule collect_scores as collect_metrics with:
    input:
        score_files(SCORES),
    output:
        f"{RUN}/metrics.parquet",
    log:
        f"{RUN}/logs/collect_metrics.log",
    benchmark:
        f"{RUN}/benchmarks/collect_metrics.tsv"


rule make_table:
    input:
        metrics=lambda wildcards: score_files(scores_of(config, config["tables"][wildcards.table])),
        published=REPOSITORY / "config" / "published.tsv",
        sources=sources_of("analysis", "data/labels", "metrics/__init__", "report/tables", *DOCUMENTS),
    output:
        csv=f"{RUN}/tables/{{table}}.csv",
        markdown=report(
            f"{RUN}/tables/{{table}}.md",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        latex=f"{RUN}/tables/{{table}}.tex",
        json=f"{RUN}/tables/{{table}}.json",
    log:
        f"{RUN}/logs/make_table/{{table}}.log",
    benchmark:
        f"{RUN}/benchmarks/make_table/{{table}}.tsv"
    wildcard_constraints:
        table=one_of(config["tables"]),
    priority: RESULTS
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(10),
    params:
        specification=lambda wildcards: config["tables"][wildcards.table],
        experiments=config["experiments"],
        methods=METHODS,
        label_sets=LABEL_SETS,
        part=config["evaluate_on"],
        notes=config["notes"],
    script:
        "../scripts/make_table.py"
