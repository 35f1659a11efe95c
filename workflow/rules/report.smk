"""Everything that came out of the run on one page."""


rule write_report:
    input:
        tables=[f"{RUN}/tables/{table}.md" for table in config["tables"]],
        figures=[f"{RUN}/figures/{figure}.png" for figure in config["figures"]],
        preparation=lambda wildcards: [f"{RUN}/preparation/{dataset}.html" for dataset in datasets_prepared()],
        trainings=lambda wildcards: training_histories(),
        records=lambda wildcards: training_records(),
        significance=f"{RUN}/significance.md" if config["significance"] else [],
        claims=[f"{RUN}/claims.{suffix}" for suffix in ("md", "csv")] if config["claims"] else [],
        cost=f"{RUN}/cost.md",
        sources=sources_of("write_report"),
    output:
        f"{RUN}/report.html",
    log:
        f"{RUN}/logs/write_report.log",
    benchmark:
        f"{RUN}/benchmarks/write_report.tsv"
    priority: RESULTS
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(15),
    params:
        # The report shows all of it: it is written anew whatever changes.
        configuration=config,
    script:
        "../scripts/write_report.py"
