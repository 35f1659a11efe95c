"""Train one method on one dataset with one seed."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.training import TrainingOptions, train

    train(
        snakemake.params.implementation,
        snakemake.params.options,
        snakemake.input.images,
        TrainingOptions(**snakemake.params.training),
        snakemake.params.folder,
        # `--resources gpu=0` is how a user says "not on the GPU".
        device=snakemake.params.device if snakemake.resources.gpu else "cpu",
        seed=int(snakemake.wildcards.seed),
    )
