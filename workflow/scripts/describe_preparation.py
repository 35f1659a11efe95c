"""Write the QC page of a dataset's preparation, and its table."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.preparation_page import write_preparation_page
    from spnet.data.labels import label_set

    write_preparation_page(
        snakemake.params.title,
        snakemake.params.folder,
        snakemake.params.parts,
        label_set(snakemake.params.label_set),
        snakemake.params.left_out,
        snakemake.params.notes,
        snakemake.output.page,
        snakemake.output.table,
    )
