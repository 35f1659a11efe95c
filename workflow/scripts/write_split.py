"""Write which subject is in which part."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.splits import write_split

    write_split(snakemake.params.split, snakemake.output[0])
