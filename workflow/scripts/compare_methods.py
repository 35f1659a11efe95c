"""Compare one method with every other."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.study import Study
    from spnet.report.significance import write_significance

    write_significance(
        snakemake.input.metrics,
        snakemake.params.specification,
        Study(**snakemake.params.study),
        snakemake.output,
    )
