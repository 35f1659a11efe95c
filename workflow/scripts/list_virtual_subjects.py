"""Write the list of a virtual cohort's subjects, as the release has it."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.layouts import LAYOUTS

    _, write = LAYOUTS[snakemake.params.layout].listing
    write(snakemake.params.cohorts, snakemake.output[0])
