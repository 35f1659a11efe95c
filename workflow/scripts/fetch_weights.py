"""Copy or download published weights, checksum checked."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.weights import copy_published

    copy_published(snakemake.params.name, snakemake.output[0], snakemake.params.weights_root)
