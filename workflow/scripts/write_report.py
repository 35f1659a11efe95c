"""Write the page with everything that came out of the run."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.report.page import ReportFiles, write_report

    write_report(
        snakemake.params.configuration,
        ReportFiles(
            tables=snakemake.input.tables,
            figures=snakemake.input.figures,
            preparation=snakemake.input.preparation,
            trainings=snakemake.input.trainings,
            significance=snakemake.input.get("significance"),
            claims=snakemake.input.get("claims"),
            cost=snakemake.input.cost,
            published=snakemake.input.published or None,
        ),
        snakemake.output[0],
    )
