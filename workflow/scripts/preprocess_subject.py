"""Prepare one subject, with its QC record and picture."""

from pathlib import Path

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.labels import label_set
    from spnet.data.layouts import Subject
    from spnet.data.preprocess import PreprocessOptions
    from spnet.preparation import prepare_subject

    labels = snakemake.input.get("labels")
    prepare_subject(
        Subject(
            snakemake.wildcards.subject,
            snakemake.params.split,
            Path(snakemake.input.image),
            Path(labels) if labels else None,
            snakemake.params.space,
        ),
        PreprocessOptions(**snakemake.params.options),
        label_set(snakemake.params.label_set),
        Path(snakemake.output.image).parent,
    )
