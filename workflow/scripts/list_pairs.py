"""Write the pairs of a dataset's test subjects."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.pairs import write_pairs

    write_pairs(snakemake.params.subjects, snakemake.output[0])
