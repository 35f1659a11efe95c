"""Every subject onto its dataset's grid, one job each; the QC page; then the pairs to register."""

# Which files are a subject's is asked whenever anything is planned. Pictures, messages and flags change no voxel: for
# them nothing is to be trained again. Flags of scans that were prepared before come with -R preprocess_subject.
UNPREPARED = ["data.layouts", "data.foreign", "data.quality", "data.turned", "figures"]
# Templates of the preparation's page.
PAGE = ["preparation", "page", "macros"]


rule prepare_reference:
    input:
        unpack(lambda wildcards: raw_files(wildcards.dataset, reference_of(wildcards.dataset))),
        sources=sources_of("prepare_reference", uncounted=UNPREPARED),
    output:
        f"{RUN}/reference/{{dataset}}.nii.gz",
    log:
        f"{RUN}/logs/prepare_reference/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/prepare_reference/{{dataset}}.tsv"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(15),
    params:
        subject=lambda wildcards: reference_of(wildcards.dataset),
        facts=lambda wildcards: raw_facts(wildcards.dataset, reference_of(wildcards.dataset)),
        options=lambda wildcards: DATASETS[wildcards.dataset]["prepare"],
        label_set=lambda wildcards: DATASETS[wildcards.dataset]["label_set"],
    script:
        "../scripts/prepare_reference.py"


rule preprocess_subject:
    input:
        unpack(preparation_inputs),
        sources=sources_of("preprocess_subject", uncounted=UNPREPARED),
    output:
        image=f"{RUN}/preprocessed/{{dataset}}/{{subject}}/image.nii.gz",
        labels=f"{RUN}/preprocessed/{{dataset}}/{{subject}}/labels.nii.gz",
        record=f"{RUN}/preprocessed/{{dataset}}/{{subject}}/qc.json",
        picture=f"{RUN}/preprocessed/{{dataset}}/{{subject}}/qc.png",
    log:
        f"{RUN}/logs/preprocess_subject/{{dataset}}/{{subject}}.log",
    benchmark:
        f"{RUN}/benchmarks/preprocess_subject/{{dataset}}/{{subject}}.tsv"
    priority: preparation_priority
    threads: config["threads"]["preprocess"]
    resources:
        mem_mb=grows(6000),
        runtime=grows(60),
    params:
        facts=lambda wildcards: raw_facts(wildcards.dataset, wildcards.subject),
        options=lambda wildcards: DATASETS[wildcards.dataset]["prepare"],
        label_set=lambda wildcards: DATASETS[wildcards.dataset]["label_set"],
    script:
        "../scripts/preprocess_subject.py"


rule write_split:
    output:
        f"{RUN}/splits/{{dataset}}.tsv",
    log:
        f"{RUN}/logs/write_split/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/write_split/{{dataset}}.tsv"
    threads: 1
    resources:
        mem_mb=grows(500),
        runtime=grows(5),
    params:
        split=lambda wildcards: {name: subject.split for name, subject in subjects_of(wildcards.dataset).items()},
    script:
        "../scripts/write_split.py"


rule describe_preparation:
    input:
        prepared=lambda wildcards: [
            path
            for what in ("labels.nii.gz", "qc.json", "qc.png")
            for path in prepared(wildcards.dataset, subjects_shown(wildcards.dataset), what)
        ],
        sources=sources_of("describe_preparation", packages=[f"report/templates/{name}" for name in PAGE]),
    output:
        page=report(
            f"{RUN}/preparation/{{dataset}}.html",
            caption="../report/preparation.rst",
            category="Preparation",
            labels={"dataset": "{dataset}"},
        ),
        table=f"{RUN}/preparation/{{dataset}}.tsv",
        json=f"{RUN}/preparation/{{dataset}}.json",
    log:
        f"{RUN}/logs/describe_preparation/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/describe_preparation/{{dataset}}.tsv"
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(60),
    params:
        folder=f"{RUN}/preprocessed/{{dataset}}",
        parts=lambda wildcards: {
            name: subjects_of(wildcards.dataset)[name].split for name in subjects_shown(wildcards.dataset)
        },
        title=lambda wildcards: DATASETS[wildcards.dataset]["title"],
        left_out=lambda wildcards: DATASETS[wildcards.dataset]["leave_out"],
        notes=lambda wildcards: DATASETS[wildcards.dataset]["notes"],
        label_set=lambda wildcards: DATASETS[wildcards.dataset]["label_set"],
    script:
        "../scripts/describe_preparation.py"


rule list_pairs:
    output:
        f"{RUN}/pairs/{{dataset}}.tsv",
    log:
        f"{RUN}/logs/list_pairs/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/list_pairs/{{dataset}}.tsv"
    threads: 1
    resources:
        mem_mb=grows(500),
        runtime=grows(5),
    params:
        subjects=lambda wildcards: evaluated(wildcards.dataset),
    script:
        "../scripts/list_pairs.py"
