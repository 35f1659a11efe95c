"""Unpack archives beside themselves, and mark each as it is done."""

from pathlib import Path

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.archives import unpack
    from spnet.data.layouts.source import MARKERS
    from spnet.files import write_text

    unpacked = []
    for archive in map(Path, snakemake.input):
        unpacked += [str(path) for path in unpack(archive, archive.parent)]
        write_text(archive.parent / MARKERS / archive.name, "")
    write_text(snakemake.output[0], "\n".join(unpacked) + "\n")
