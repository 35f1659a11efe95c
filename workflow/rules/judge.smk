"""What the scores say: methods compared, the cost, the paper's claims graded."""

# With the experiments that this run scores, no others.
SHOWN = shown_names(config)
JUDGED = STUDY | {"experiments": {name: entry for name, entry in config["experiments"].items() if name in SHOWN}}


rule compare_methods:
    input:
        metrics=lambda wildcards: score_files(scores_of(config, config["significance"])),
        sources=sources_of("compare_methods", packages=["report/templates/document"]),
    output:
        csv=f"{RUN}/significance.csv",
        markdown=report(f"{RUN}/significance.md", caption="../report/significance.rst", category="Significance"),
        json=f"{RUN}/significance.json",
    log:
        f"{RUN}/logs/compare_methods.log",
    benchmark:
        f"{RUN}/benchmarks/compare_methods.tsv"
    priority: RESULTS
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(30),
    params:
        specification=config["significance"],
        study=JUDGED,
    script:
        "../scripts/compare_methods.py"


rule summarise_cost:
    input:
        metrics=f"{RUN}/metrics.parquet",
        chunks=lambda wildcards: evaluation_chunks(),
        records=lambda wildcards: training_records(),
        sources=sources_of("summarise_cost", packages=["report/templates/document"]),
    output:
        csv=f"{RUN}/cost.csv",
        markdown=report(f"{RUN}/cost.md", caption="../report/cost.rst", category="Cost"),
        json=f"{RUN}/cost.json",
    log:
        f"{RUN}/logs/summarise_cost.log",
    benchmark:
        f"{RUN}/benchmarks/summarise_cost.tsv"
    priority: RESULTS
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(30),
    params:
        # A parameter and not inputs: jobs of other rules add to it, and must not make this one stale.
        benchmarks=f"{RUN}/benchmarks",
        network_rules=["train_method", "evaluate_chunk", "register_shown"],
        device=uncompared(lambda wildcards: config["device"]),
        titles={name: entry["title"] for name, entry in METHODS.items()},
    script:
        "../scripts/summarise_cost.py"


rule grade_claims:
    input:
        metrics=f"{RUN}/metrics.parquet",
        cost=f"{RUN}/cost.csv",
        published=PUBLISHED,
        sources=sources_of("grade_claims", packages=["methods", "report/templates/document"]),
    output:
        csv=f"{RUN}/claims.csv",
        markdown=report(f"{RUN}/claims.md", caption="../report/claims.rst", category="Claims"),
        json=f"{RUN}/claims.json",
    log:
        f"{RUN}/logs/grade_claims.log",
    benchmark:
        f"{RUN}/benchmarks/grade_claims.tsv"
    priority: RESULTS
    threads: 1
    resources:
        mem_mb=grows(4000),
        runtime=grows(60),
    params:
        claims=config["claims"],
        study=JUDGED,
        paper=lambda wildcards: study_parts(read_study(PAPER)),  # what its printed numbers are of, whatever runs here
        figures={name: entry["title"] for name, entry in config["figures"].items()},
    script:
        "../scripts/grade_claims.py"
