"""Write the subject that is the target of a dataset's others."""

from pathlib import Path

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.labels import label_set
    from spnet.data.layouts import Subject
    from spnet.data.options import PreprocessOptions
    from spnet.data.reference import write_reference

    labels = snakemake.input.get("labels")
    write_reference(
        Subject(
            snakemake.params.subject,
            "",
            Path(snakemake.input.image),
            Path(labels) if labels else None,
            **snakemake.params.facts,
        ),
        PreprocessOptions(**snakemake.params.options),
        label_set(snakemake.params.label_set),
        snakemake.output[0],
    )
