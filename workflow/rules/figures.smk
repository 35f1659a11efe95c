"""Figures from the scores and, where they show pairs, from those that were registered for it."""


rule draw_figure:
    input:
        metrics=lambda wildcards: score_files(scores_of(config, config["figures"][wildcards.figure])),
        fields=lambda wildcards: shown_files(wildcards.figure, "fields.npz"),
        facts=lambda wildcards: shown_files(wildcards.figure, "facts.csv"),
        sources=sources_of("draw_figure", modules=lambda wildcards: [module_of_figure(wildcards.figure)]),
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
    priority: RESULTS
    threads: 1
    resources:
        # A full-size pair with its fields and levels is half a gigabyte; a comparison of methods holds eleven.
        mem_mb=grows(lambda wildcards: 2000 + 500 * len(shown_files(wildcards.figure, "fields.npz"))),
        runtime=grows(30),
    params:
        specification=lambda wildcards: config["figures"][wildcards.figure],
        caption=lambda wildcards: FIGURES[config["figures"][wildcards.figure]["kind"]].caption,  # for report/figure.rst
        study=STUDY,
        datasets={name: {key: entry[key] for key in ("title", "plane")} for name, entry in DATASETS.items()},
        prepared=f"{RUN}/preprocessed",
    script:
        "../scripts/draw_figure.py"
