"""Write one virtual subject's raw scan and labels."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.virtual import write_virtual

    write_virtual(
        snakemake.params.layout,
        snakemake.wildcards.subject,
        snakemake.params.virtual,
        snakemake.output.image,
        snakemake.output.labels,
    )
