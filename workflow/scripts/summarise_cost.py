"""Tell what registering, training and the run cost."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.analysis.cost import Sources
    from spnet.analysis.cost_page import write_cost
    from spnet.device import choose_device

    write_cost(
        Sources(
            snakemake.input.metrics,
            snakemake.input.records,
            snakemake.params.benchmarks,
            choose_device(snakemake.config["device"]).type,
        ),
        snakemake.params.titles,
        snakemake.output,
    )
