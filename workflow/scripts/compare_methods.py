"""Compare one method with every other."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.study import Study
    from spnet.report.significance import write_significance

    write_significance(
        snakemake.input.metrics,
        snakemake.params.specification,
        Study(
            snakemake.params.experiments,
            snakemake.params.methods,
            snakemake.params.label_sets,
            snakemake.params.part,
            snakemake.params.notes,
        ),
        snakemake.output,
    )
