"""Register and score one chunk of pairs with one method."""

from spnet.jobs import device_of, job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.labels import label_set
    from spnet.data.pairs import read_chunk
    from spnet.evaluation.chunk import MethodSpec, evaluate_chunk
    from spnet.evaluation.evaluate import Scoring
    from spnet.methods.compute import Compute

    evaluate_chunk(
        MethodSpec(
            snakemake.params.implementation,
            snakemake.params.options,
            snakemake.input.get("weights") or None,
            Compute(snakemake.params.convolutions, **snakemake.params.speed),
        ),
        read_chunk(snakemake.input.pairs, snakemake.params.pairs_per_job, int(snakemake.wildcards.chunk)),
        snakemake.params.folder,
        Scoring(label_set(snakemake.params.label_set), snakemake.params.further_metrics, snakemake.params.spacing),
        {key: snakemake.wildcards[key] for key in ("trained_on", "dataset", "method", "seed")},
        snakemake.output[0],
        device=device_of(snakemake.resources, snakemake.params.device),
    )
