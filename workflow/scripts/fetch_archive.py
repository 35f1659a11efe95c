"""Fetch an archive that needs no account; started again, a download goes on."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.download import download_any

    source = snakemake.params.source
    download_any(source["urls"], snakemake.output[0], sha256=source["sha256"])
