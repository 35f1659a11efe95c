"""Write the page with everything that came out of the run."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.report_page import ReportFiles, write_report

    write_report(
        snakemake.params.configuration,
        ReportFiles(
            tables=snakemake.input.tables,
            figures=snakemake.input.figures,
            preparation=snakemake.input.preparation,
            trainings=snakemake.input.trainings,
            significance=snakemake.input.significance or None,
            claims=snakemake.input.claims[0] if snakemake.input.claims else None,
            cost=snakemake.input.cost,
        ),
        snakemake.output[0],
    )
