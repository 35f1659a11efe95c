"""Learned methods, trained."""


rule train_method:
    input:
        images=lambda wildcards: prepared(wildcards.trained_on, subjects_in(wildcards.trained_on, "train")),
    output:
        weights=f"{RUN}/models/{{trained_on}}/{{method}}/seed-{{seed}}/weights.pt",
        history=f"{RUN}/models/{{trained_on}}/{{method}}/seed-{{seed}}/history.csv",
        record=f"{RUN}/models/{{trained_on}}/{{method}}/seed-{{seed}}/run.yaml",
    log:
        f"{RUN}/logs/train_method/{{trained_on}}/{{method}}/seed-{{seed}}.log",
    benchmark:
        f"{RUN}/benchmarks/train_method/{{trained_on}}/{{method}}/seed-{{seed}}.tsv"
    wildcard_constraints:
        method=one_of(methods_of_kind("trained")),
    priority: training_priority
    threads: config["threads"]["train"]
    resources:
        gpu=lambda wildcards: gpus(wildcards.method),
        mem_mb=grows(16000),
        runtime=grows(5760),
    params:
        # A parameter and not an output: Snakemake removes a failed job's outputs, and the checkpoint must survive.
        folder=f"{RUN}/models/{{trained_on}}/{{method}}/seed-{{seed}}",
        implementation=lambda wildcards: METHODS[wildcards.method]["implementation"],
        options=options_of,
        training=training_of,
        checkpoint_every=uncompared(lambda wildcards: all_training_of(wildcards)["checkpoint_every"]),
        convolutions=config["compute"]["convolutions"],
        speed=uncompared(lambda wildcards: SPEED),
        device=uncompared(lambda wildcards: config["device"]),
    script:
        "../scripts/train_method.py"
