"""Train one method on one dataset with one seed."""

from spnet.jobs import device_of, job

with job(snakemake.log[0], snakemake.threads):
    from spnet.methods.compute import Compute
    from spnet.training import TrainingOptions, train

    train(
        snakemake.params.implementation,
        snakemake.params.options,
        snakemake.input.images,
        TrainingOptions(**snakemake.params.training, checkpoint_every=snakemake.params.checkpoint_every),
        snakemake.params.folder,
        device=device_of(snakemake.resources, snakemake.params.device),
        seed=int(snakemake.wildcards.seed),
        compute=Compute(snakemake.params.convolutions, **snakemake.params.speed),
    )
