"""Pairs registered and scored in memory; fields are not kept (380 pairs of one method would be 22 GB)."""


rule evaluate_chunk:
    input:
        weights=evaluated_weights,
        pairs=f"{RUN}/pairs/{{dataset}}.tsv",
        prepared=evaluated_subjects,
        sources=sources_of("evaluate_chunk", packages=["metrics", "kernels", "together"], modules=module_if_untrained),
    output:
        f"{RUN}/evaluation/{{trained_on}}/{{method}}/seed-{{seed}}/{{dataset}}/chunk-{{chunk}}.csv",
    log:
        f"{RUN}/logs/evaluate_chunk/{{trained_on}}/{{method}}/seed-{{seed}}/{{dataset}}/chunk-{{chunk}}.log",
    benchmark:
        f"{RUN}/benchmarks/evaluate_chunk/{{trained_on}}/{{method}}/seed-{{seed}}/{{dataset}}/chunk-{{chunk}}.tsv"
    priority: evaluation_priority
    group:
        group_of_chunk
    threads: lambda wildcards: 1 if is_untrained(wildcards.method) else config["threads"]["evaluate"]
    resources:
        gpu=lambda wildcards: gpus(wildcards.method),
        mem_mb=grows(8000),
        runtime=grows(lambda wildcards: minutes_of(wildcards.method, pairs_of_job(wildcards.method))),
    params:
        pairs_per_job=lambda wildcards: pairs_of_job(wildcards.method),
        folder=f"{RUN}/preprocessed/{{dataset}}",
        implementation=lambda wildcards: METHODS[wildcards.method]["implementation"],
        options=options_of,
        convolutions=config["compute"]["convolutions"],
        speed=uncompared(lambda wildcards: SPEED),
        device=uncompared(lambda wildcards: config["device"]),
        label_set=lambda wildcards: DATASETS[wildcards.dataset]["label_set"],
        further_metrics=config["further_metrics"],
        spacing=lambda wildcards: DATASETS[wildcards.dataset]["prepare"]["spacing"],
    script:
        "../scripts/evaluate_chunk.py"
