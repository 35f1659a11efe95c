"""Targets by name: `snakemake table4`, `fig5`, `claims`, or an experiment's name."""

for target, files in named_targets().items():
    if workflow.is_rule(target):
        raise WorkflowError(
            f"'{target}' is the name of a rule, so `snakemake {target}` would mean two things. Give the experiment, "
            "table or figure of that name another"
        )

    rule:
        name:
            target
        input:
            files,
