"""Prepare one subject, with its QC record and picture."""

from dataclasses import replace
from pathlib import Path

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.labels import label_set
    from spnet.data.layouts import Subject
    from spnet.data.options import PreprocessOptions
    from spnet.preparation import prepare_subject

    labels = snakemake.input.get("labels")
    options = PreprocessOptions(**snakemake.params.options)
    prepare_subject(
        Subject(
            snakemake.wildcards.subject,
            "",
            Path(snakemake.input.image),
            Path(labels) if labels else None,
            **snakemake.params.facts,
        ),
        replace(options, target=snakemake.input.get("target", options.target)),
        label_set(snakemake.params.label_set),
        Path(snakemake.output.image).parent,
    )
