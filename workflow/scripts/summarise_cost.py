"""Tell what registering, training and the run cost."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.cost import Sources
    from spnet.report.cost import write_cost

    write_cost(
        Sources(
            snakemake.input.metrics,
            snakemake.input.records,
            snakemake.params.benchmarks,
            snakemake.params.network_rules,
            snakemake.params.device,
        ),
        snakemake.params.titles,
        snakemake.output,
    )
