"""Raw scans that the workflow makes itself, and files that it fetches."""


rule make_virtual_subject:
    output:
        image=f"{RUN}/raw/{{dataset}}/{{cohort}}_volumes/{{subject}}/t1weighted_brain.nii.gz",
        labels=f"{RUN}/raw/{{dataset}}/{{cohort}}_volumes/{{subject}}/labels.DKT31.manual.nii.gz",
    log:
        f"{RUN}/logs/make_virtual_subject/{{dataset}}/{{cohort}}/{{subject}}.log",
    benchmark:
        f"{RUN}/benchmarks/make_virtual_subject/{{dataset}}/{{cohort}}/{{subject}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        options=lambda wildcards: DATASETS[wildcards.dataset]["virtual"],
    script:
        "../scripts/make_virtual_subject.py"


rule fetch_weights:
    output:
        f"{RUN}/models/{{trained_on}}/{{method}}/seed-{{seed}}/weights.pt",
    log:
        f"{RUN}/logs/fetch_weights/{{trained_on}}/{{method}}/seed-{{seed}}.log",
    benchmark:
        f"{RUN}/benchmarks/fetch_weights/{{trained_on}}/{{method}}/seed-{{seed}}.tsv"
    wildcard_constraints:
        method=one_of(methods_of_kind("published")),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        name=lambda wildcards: METHODS[wildcards.method]["weights"],
    script:
        "../scripts/fetch_weights.py"
