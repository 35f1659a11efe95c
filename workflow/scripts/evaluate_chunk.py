"""Register and score one chunk of pairs with one method."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.labels import label_set
    from spnet.evaluation.chunk import MethodSpec, evaluate_chunk
    from spnet.methods.compute import Compute

    evaluate_chunk(
        MethodSpec(
            snakemake.params.implementation,
            snakemake.params.options,
            snakemake.input.get("weights") or None,
            Compute(**snakemake.config["compute"]),
        ),
        snakemake.input.pairs,
        int(snakemake.wildcards.chunk),
        snakemake.params.folder,
        label_set(snakemake.params.label_set),
        {key: snakemake.wildcards[key] for key in ("trained_on", "dataset", "method", "seed")},
        snakemake.output[0],
        device=snakemake.config["device"] if snakemake.resources.gpu else "cpu",
    )
