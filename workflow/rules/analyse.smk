"""Scores joined, method by method and then all of them; the paper's tables."""


rule collect_scores:
    input:
        scores=lambda wildcards: chunks_of(wildcards.trained_on, wildcards.dataset, wildcards.method),
        sources=sources_of("collect_scores"),
    output:
        f"{RUN}/metrics/{{trained_on}}/{{dataset}}/{{method}}.parquet",
    log:
        f"{RUN}/logs/collect_scores/{{trained_on}}/{{dataset}}/{{method}}.log",
    benchmark:
        f"{RUN}/benchmarks/collect_scores/{{trained_on}}/{{dataset}}/{{method}}.tsv"
    priority: RESULTS
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(10),
    script:
        "../scripts/collect_scores.py"


# For notebooks and what judges the whole run: nothing that can be had earlier waits for it.
use rule collect_scores as collect_metrics with:
    input:
        scores=score_files(SCORES),
        sources=sources_of("collect_scores"),
    output:
        f"{RUN}/metrics.parquet",
    log:
        f"{RUN}/logs/collect_metrics.log",
    benchmark:
        f"{RUN}/benchmarks/collect_metrics.tsv"


rule make_table:
    input:
        metrics=lambda wildcards: score_files(scores_of(config, config["tables"][wildcards.table])),
        published=BESIDE,
        preparation=lambda wildcards: preparation_of(config["tables"][wildcards.table]),
        sources=sources_of("make_table", packages=["report/templates/document"]),
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
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(10),
    params:
        specification=lambda wildcards: config["tables"][wildcards.table],
        study=STUDY,
    script:
        "../scripts/make_table.py"
