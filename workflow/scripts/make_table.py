"""Write one of the paper's tables as csv, md and tex."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.study import Study, write_table

    write_table(
        snakemake.wildcards.table,
        snakemake.params.specification,
        Study(**snakemake.params.study),
        snakemake.input.metrics,
        snakemake.input.published,
        snakemake.output,
    )
