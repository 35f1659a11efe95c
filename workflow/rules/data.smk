"""Raw scans: archives fetched and unpacked, virtual cohorts made; and the weights that authors published."""


rule fetch_archive:
    output:
        f"{DATA_ROOT}/{{dataset}}/{{archive}}",
    log:
        f"{RUN}/logs/fetch_archive/{{dataset}}/{{archive}}.log",
    benchmark:
        f"{RUN}/benchmarks/fetch_archive/{{dataset}}/{{archive}}.tsv"
    wildcard_constraints:
        archive=one_of(archives_to_fetch()),
    threads: 1
    resources:
        mem_mb=grows(500),
        runtime=grows(1440),
    params:
        source=lambda wildcards: archive_source(wildcards.dataset, wildcards.archive),
    script:
        "../scripts/fetch_archive.py"


checkpoint unpack_archives:
    input:
        lambda wildcards: [f"{raw_root(wildcards.dataset)}/{name}" for name in archives_of(wildcards.dataset).pending],
    output:
        f"{RUN}/unpacked/{{dataset}}.txt",
    log:
        f"{RUN}/logs/unpack_archives/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/unpack_archives/{{dataset}}.tsv"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(480),
    script:
        "../scripts/unpack_archives.py"


rule unpack:
    """Every archive that lies in data_root, and nothing else."""
    input:
        lambda wildcards: [f"{RUN}/unpacked/{dataset}.txt" for dataset in DATASETS if archives_of(dataset).pending],


rule make_virtual_mindboggle101:
    output:
        image=f"{RUN}/raw/{{dataset}}/{{cohort}}_volumes/{{subject}}/t1weighted_brain.nii.gz",
        labels=f"{RUN}/raw/{{dataset}}/{{cohort}}_volumes/{{subject}}/labels.DKT31.manual.nii.gz",
    log:
        f"{RUN}/logs/make_virtual_mindboggle101/{{dataset}}/{{cohort}}/{{subject}}.log",
    benchmark:
        f"{RUN}/benchmarks/make_virtual_mindboggle101/{{dataset}}/{{cohort}}/{{subject}}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_made("mindboggle101")),
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(10),
    params:
        layout=lambda wildcards: DATASETS[wildcards.dataset]["layout"],
        virtual=lambda wildcards: DATASETS[wildcards.dataset]["virtual"],
    script:
        "../scripts/make_virtual_subject.py"


use rule make_virtual_mindboggle101 as make_virtual_candi with:
    output:
        image=f"{RUN}/raw/{{dataset}}/SchizBull_2008/{{group}}/{{subject}}/{{subject}}_procimg.nii.gz",
        labels=f"{RUN}/raw/{{dataset}}/SchizBull_2008/{{group}}/{{subject}}/{{subject}}_seg.nii.gz",
    log:
        f"{RUN}/logs/make_virtual_candi/{{dataset}}/{{group}}/{{subject}}.log",
    benchmark:
        f"{RUN}/benchmarks/make_virtual_candi/{{dataset}}/{{group}}/{{subject}}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_made("candi")),


use rule make_virtual_mindboggle101 as make_virtual_oai_zib with:
    output:
        image=directory(f"{RUN}/raw/{{dataset}}/00m/0.C.2/{{subject}}/20040101/1{{subject}}"),
        labels=f"{RUN}/raw/{{dataset}}/segmentation/segmentation_masks/{{subject}}.segmentation_masks.mhd",
        voxels=f"{RUN}/raw/{{dataset}}/segmentation/segmentation_masks/{{subject}}.segmentation_masks.raw",
    log:
        f"{RUN}/logs/make_virtual_oai_zib/{{dataset}}/{{subject}}.log",
    benchmark:
        f"{RUN}/benchmarks/make_virtual_oai_zib/{{dataset}}/{{subject}}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_made("oai_zib")),


rule list_virtual_oai_zib:
    output:
        f"{RUN}/raw/{{dataset}}/segmentation/doc/oai_mri_paths.txt",
    log:
        f"{RUN}/logs/list_virtual_oai_zib/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/list_virtual_oai_zib/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets_made("oai_zib")),
    threads: 1
    resources:
        mem_mb=grows(500),
        runtime=grows(5),
    params:
        cohorts=lambda wildcards: DATASETS[wildcards.dataset]["cohorts"],
    script:
        "../scripts/list_virtual_oai_zib.py"


rule fetch_weights:
    output:
        f"{RUN}/models/{{trained_on}}/{{method}}/seed-{{seed}}/weights.pt",
    log:
        f"{RUN}/logs/fetch_weights/{{trained_on}}/{{method}}/seed-{{seed}}.log",
    benchmark:
        f"{RUN}/benchmarks/fetch_weights/{{trained_on}}/{{method}}/seed-{{seed}}.tsv"
    wildcard_constraints:
        method=one_of(methods_of_kind("published")),
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(10),
    params:
        name=lambda wildcards: METHODS[wildcards.method]["weights"],
        weights_root=uncompared(lambda wildcards: config["weights_root"]),
    script:
        "../scripts/fetch_weights.py"
