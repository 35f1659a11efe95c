"""Write one virtual subject's raw scan and labels."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.virtual import VirtualOptions, write_virtual_subject

    options = dict(snakemake.params.options)
    seed = options.pop("seed")
    write_virtual_subject(
        snakemake.wildcards.subject,
        VirtualOptions(**options),
        seed,
        snakemake.output.image,
        snakemake.output.labels,
    )
