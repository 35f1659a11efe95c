"""Train one method on one dataset with one seed."""

from spnet.jobs import device_of, job

with job(snakemake.log[0], snakemake.threads):
    from spnet.configuration import settings
    from spnet.methods.compute import Compute
    from spnet.training import TrainingOptions, train

    # Read past `params`: neither where nor how often a checkpoint is written is a reason to train again.
    method = snakemake.config["methods"][snakemake.wildcards.method]
    training = settings(method, "training", snakemake.wildcards.trained_on)
    train(
        snakemake.params.implementation,
        snakemake.params.options,
        snakemake.input.images,
        TrainingOptions(**training),
        snakemake.params.folder,
        device=device_of(snakemake.resources, snakemake.config["device"]),
        seed=int(snakemake.wildcards.seed),
        compute=Compute(**snakemake.config["compute"]),
    )
