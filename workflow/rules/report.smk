"""Everything that came out of the run on one page."""


rule write_report:
    input:
        **{name: f"{RUN}/{name}.json" for name in BESIDE_TABLES},
        tables=[f"{RUN}/tables/{table}.json" for table in config["tables"]],
        figures=[f"{RUN}/figures/{figure}.png" for figure in config["figures"]],
        preparation=lambda wildcards: [f"{RUN}/preparation/{dataset}.json" for dataset in datasets_prepared()],
        trainings=lambda wildcards: training_histories(),
        records=lambda wildcards: training_records(),
        published=BESIDE,
        sources=sources_of("write_report", packages=["report/templates"]),
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
