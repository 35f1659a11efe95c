"""Compare one method with every other."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.significance import write_significance
    from spnet.analysis.study import Study

    write_significance(
        snakemake.input.metrics,
        snakemake.params.specification,
        Study(**snakemake.params.study),
        snakemake.output,
    )
