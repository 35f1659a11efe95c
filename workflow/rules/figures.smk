"""Figures from the scores."""


rule draw_figure:
    input:
        metrics=f"{RUN}/metrics.parquet",
        sources=sources_of("figures", "analysis", "data/labels"),
    output:
        pdf=f"{RUN}/figures/{{figure}}.pdf",
        png=report(
            f"{RUN}/figures/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{RUN}/logs/draw_figure/{{figure}}.log",
    benchmark:
        f"{RUN}/benchmarks/draw_figure/{{figure}}.tsv"
    wildcard_constraints:
        figure=one_of(config["figures"]),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        specification=lambda wildcards: config["figures"][wildcards.figure],
        experiments=config["experiments"],
        methods=METHODS,
        datasets={name: entry["title"] for name, entry in DATASETS.items()},
        label_sets=LABEL_SETS,
    script:
        "../scripts/draw_figure.py"
