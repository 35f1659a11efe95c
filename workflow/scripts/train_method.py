"""Train one method on one dataset with one seed."""

from spnet.jobs import job

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
        # `--resources gpu=0` is how a user says "not on the GPU".
        device=snakemake.config["device"] if snakemake.resources.gpu else "cpu",
        seed=int(snakemake.wildcards.seed),
        compute=Compute(**snakemake.config["compute"]),
    )
