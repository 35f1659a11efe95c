"""Choose the pair of a dataset that figures show."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.labels import label_set
    from spnet.evaluation.shown import choose_pair

    choose_pair(
        snakemake.input.metrics,
        snakemake.input.pairs,
        snakemake.wildcards.dataset,
        label_set(snakemake.params.label_set),
        snakemake.output[0],
    )
