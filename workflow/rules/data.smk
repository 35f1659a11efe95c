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


for layout, files in virtual_files().items():

    rule:
        name:
            f"make_virtual_{layout}"
        output:
            **files,
        log:
            f"{RUN}/logs/make_virtual_{layout}/{wildcards_in(files)}.log",
        benchmark:
            f"{RUN}/benchmarks/make_virtual_{layout}/{wildcards_in(files)}.tsv"
        wildcard_constraints:
            dataset=one_of(datasets_made(layout)),
        threads: 1
        resources:
            mem_mb=grows(2000),
            runtime=grows(10),
        params:
            layout=lambda wildcards: DATASETS[wildcards.dataset]["layout"],
            virtual=lambda wildcards: DATASETS[wildcards.dataset]["virtual"],
        script:
            "../scripts/make_virtual_subject.py"


rule list_virtual_subjects:
    output:
        f"{RUN}/raw/{{dataset}}/{{listing}}",
    log:
        f"{RUN}/logs/list_virtual_subjects/{{dataset}}/{{listing}}.log",
    benchmark:
        f"{RUN}/benchmarks/list_virtual_subjects/{{dataset}}/{{listing}}.tsv"
    wildcard_constraints:
        listing=one_of(listings().values()),
    threads: 1
    resources:
        mem_mb=grows(500),
        runtime=grows(5),
    params:
        layout=lambda wildcards: DATASETS[wildcards.dataset]["layout"],
        cohorts=lambda wildcards: DATASETS[wildcards.dataset]["cohorts"],
    script:
        "../scripts/list_virtual_subjects.py"


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
