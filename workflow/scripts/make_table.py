"""Write one of the paper's tables as csv, md, tex and json."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.study import Study
    from spnet.report.tables import write_table

    write_table(
        snakemake.wildcards.table,
        snakemake.params.specification,
        Study(**snakemake.params.study),
        snakemake.input.metrics,
        snakemake.input.published or None,
        snakemake.output,
        snakemake.input.preparation,
    )
