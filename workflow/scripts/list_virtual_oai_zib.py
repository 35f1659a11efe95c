"""Write the list of a virtual cohort's series, as the archive of masks has it."""

from spnet.jobs import job

with job(snakemake.log[0], snakemake.threads):
    from spnet.data.layouts.oai_zib import write_paths

    write_paths(snakemake.params.cohorts, snakemake.output[0])
