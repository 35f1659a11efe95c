"""Registered pairs that figures show: one typical test pair of every dataset, by every method that is shown."""


rule choose_pair:
    input:
        metrics=lambda wildcards: f"{RUN}/metrics/{UNTRAINED}/{wildcards.dataset}/{control_method()}.parquet",
        pairs=f"{RUN}/pairs/{{dataset}}.tsv",
        sources=sources_of("choose_pair", uncounted=["fields", "metrics"]),
    output:
        f"{RUN}/shown/{{dataset}}.tsv",
    log:
        f"{RUN}/logs/choose_pair/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/choose_pair/{{dataset}}.tsv"
    priority: RESULTS
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(10),
    params:
        label_set=lambda wildcards: DATASETS[wildcards.dataset]["label_set"],
    script:
        "../scripts/choose_pair.py"


rule register_shown:
    input:
        weights=evaluated_weights,
        pair=f"{RUN}/shown/{{dataset}}.tsv",
        prepared=lambda wildcards: prepared_with_labels(wildcards.dataset, evaluated(wildcards.dataset)),
        sources=sources_of("register_shown", packages=["metrics", "kernels", "together"], modules=module_if_untrained),
    output:
        fields=f"{RUN}/shown/{{trained_on}}/{{method}}/seed-{{seed}}/{{dataset}}/fields.npz",
        facts=f"{RUN}/shown/{{trained_on}}/{{method}}/seed-{{seed}}/{{dataset}}/facts.csv",
    log:
        f"{RUN}/logs/register_shown/{{trained_on}}/{{method}}/seed-{{seed}}/{{dataset}}.log",
    benchmark:
        f"{RUN}/benchmarks/register_shown/{{trained_on}}/{{method}}/seed-{{seed}}/{{dataset}}.tsv"
    priority: RESULTS
    threads: lambda wildcards: 1 if is_untrained(wildcards.method) else config["threads"]["evaluate"]
    resources:
        gpu=lambda wildcards: gpus(wildcards.method),
        mem_mb=grows(8000),
        runtime=grows(lambda wildcards: minutes_of(wildcards.method, 1)),
    params:
        folder=f"{RUN}/preprocessed/{{dataset}}",
        implementation=lambda wildcards: METHODS[wildcards.method]["implementation"],
        options=options_of,
        convolutions=config["compute"]["convolutions"],
        speed=uncompared(lambda wildcards: SPEED),
        device=uncompared(lambda wildcards: config["device"]),
        label_set=lambda wildcards: DATASETS[wildcards.dataset]["label_set"],
    script:
        "../scripts/register_shown.py"
