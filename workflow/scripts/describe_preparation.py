"""Write the QC page of a dataset's preparation, and its table."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.labels import label_set
    from spnet.report.preparation import write_preparation

    write_preparation(
        snakemake.params.title,
        snakemake.params.folder,
        snakemake.params.parts,
        label_set(snakemake.params.label_set),
        snakemake.params.left_out,
        snakemake.params.notes,
        snakemake.output,
    )
