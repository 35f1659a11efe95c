"""Register the pair that figures show with one method, and keep its fields."""

from spnet.jobs import device_of, job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.labels import label_set
    from spnet.evaluation.chunk import MethodSpec
    from spnet.evaluation.shown import register_shown
    from spnet.methods.compute import Compute

    register_shown(
        MethodSpec(
            snakemake.params.implementation,
            snakemake.params.options,
            snakemake.input.get("weights") or None,
            Compute(snakemake.params.convolutions, **snakemake.params.speed),
        ),
        snakemake.input.pair,
        snakemake.params.folder,
        label_set(snakemake.params.label_set),
        {key: snakemake.wildcards[key] for key in ("trained_on", "dataset", "method", "seed")},
        snakemake.output,
        device=device_of(snakemake.resources, snakemake.params.device),
    )
