"""Grade the paper's claims."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.study import Study
    from spnet.report.claims import write_claims

    write_claims(
        snakemake.params.claims,
        Study(**snakemake.params.study),
        Study(**snakemake.params.paper),
        snakemake.params.figures,
        snakemake.input,
        snakemake.output,
    )
