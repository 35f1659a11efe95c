"""All scores in one table; then the paper's tables."""

LABEL_SETS = {name: entry["label_set"] for name, entry in DATASETS.items()}


rule collect_metrics:
    input:
        lambda wildcards: evaluation_chunks(),
    output:
        f"{RUN}/metrics.parquet",
    log:
        f"{RUN}/logs/collect_metrics.log",
    benchmark:
        f"{RUN}/benchmarks/collect_metrics.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(10),
    script:
        "../scripts/collect_metrics.py"


rule make_table:
    input:
        metrics=f"{RUN}/metrics.parquet",
        published=REPOSITORY / "config" / "published.tsv",
        sources=sources_of("analysis", "data/labels"),
    output:
        csv=f"{RUN}/tables/{{table}}.csv",
        markdown=report(
            f"{RUN}/tables/{{table}}.md",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        latex=f"{RUN}/tables/{{table}}.tex",
    log:
        f"{RUN}/logs/make_table/{{table}}.log",
    benchmark:
        f"{RUN}/benchmarks/make_table/{{table}}.tsv"
    wildcard_constraints:
        table=one_of(config["tables"]),
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
