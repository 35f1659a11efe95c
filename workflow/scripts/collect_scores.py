"""Join tables of scores."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.collect import collect

    collect(snakemake.input.scores, snakemake.output[0])
