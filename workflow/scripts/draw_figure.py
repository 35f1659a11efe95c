"""Draw one figure as pdf and png."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.study import Study
    from spnet.figures.draw import draw_figure

    draw_figure(
        snakemake.params.specification,
        Study(**snakemake.params.study),
        snakemake.params.datasets,
        snakemake.input.metrics,
        snakemake.output,
        zip(snakemake.input.fields, snakemake.input.facts, strict=True),
        snakemake.params.prepared,
    )
