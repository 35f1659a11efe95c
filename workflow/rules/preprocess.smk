"""Every subject onto its dataset's grid, one job each; then the pairs to register."""


rule preprocess_subject:
    input:
        unpack(raw_files),
    output:
        image=f"{RUN}/preprocessed/{{dataset}}/{{subject}}/image.nii.gz",
        labels=f"{RUN}/preprocessed/{{dataset}}/{{subject}}/labels.nii.gz",
        record=f"{RUN}/preprocessed/{{dataset}}/{{subject}}/qc.json",
        picture=report(
            f"{RUN}/preprocessed/{{dataset}}/{{subject}}/qc.png",
            caption="../report/preparation.rst",
            category="Preparation",
            subcategory="{dataset}",
            labels={"subject": "{subject}"},
        ),
    log:
        f"{RUN}/logs/preprocess_subject/{{dataset}}/{{subject}}.log",
    benchmark:
        f"{RUN}/benchmarks/preprocess_subject/{{dataset}}/{{subject}}.tsv"
    conda:
        ENVIRONMENT
    threads: config["threads"]["preprocess"]
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        space=lambda wildcards: subjects_of(wildcards.dataset)[wildcards.subject].space,
        split=lambda wildcards: subjects_of(wildcards.dataset)[wildcards.subject].split,
        options=lambda wildcards: DATASETS[wildcards.dataset]["prepare"],
        label_set=lambda wildcards: DATASETS[wildcards.dataset]["label_set"],
    script:
        "../scripts/preprocess_subject.py"


rule list_pairs:
    output:
        f"{RUN}/pairs/{{dataset}}.tsv",
    log:
        f"{RUN}/logs/list_pairs/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/list_pairs/{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        subjects=lambda wildcards: subjects_in(wildcards.dataset, "test"),
        pairs_per_chunk=config["pairs_per_chunk"],
    script:
        "../scripts/list_pairs.py"
