"""What is asked for: files of scores and of models, what each name stands for, and all that a whole run leaves."""

SCORES = all_scores(config)
BESIDE_TABLES = ["significance"] * bool(config["significance"]) + ["cost"] + ["claims"] * bool(config["claims"])
PREPARED = ("image.nii.gz", "labels.nii.gz", "qc.json", "qc.png")


def score_files(scores):
    return [f"{RUN}/metrics/{each.trained_on}/{each.dataset}/{each.method}.parquet" for each in scores]


def chunks_of(trained_on, dataset, method):
    """The tables of all jobs that score a method, of all its seeds."""
    count = count_chunks(len(evaluated(dataset)), pairs_of_job(method))
    return [
        f"{RUN}/evaluation/{trained_on}/{method}/seed-{seed}/{dataset}/chunk-{chunk}.csv"
        for seed in seeds_of(config, method)
        for chunk in range(count)
    ]


def evaluation_chunks():
    return [chunk for each in SCORES for chunk in chunks_of(*each)]


def module_of_figure(figure):
    """The module that draws it."""
    return FIGURES[config["figures"][figure]["kind"]].draw.partition(":")[0]


def shown_files(figure, what):
    """What the registrations that a figure shows leave, of the first seed only."""
    entry = config["figures"][figure]
    if not FIGURES[entry["kind"]].shows_pairs:
        return []
    return [
        f"{RUN}/shown/{each.trained_on}/{each.method}/seed-{seeds_of(config, each.method)[0]}/{each.dataset}/{what}"
        for each in scores_of(config, entry)
    ]


def model_files(name, *kinds):
    """A file of every model of these kinds, each once however many datasets it is scored on."""
    return list(
        dict.fromkeys(
            f"{RUN}/models/{each.trained_on}/{each.method}/seed-{seed}/{name}"
            for each in SCORES
            if METHODS[each.method]["kind"] in kinds
            for seed in seeds_of(config, each.method)
        )
    )


def training_histories():
    return model_files("history.csv", "trained")


def training_records():
    return model_files("run.yaml", "trained")


def datasets_shown():
    experiments = shown_experiments(config)
    return list(dict.fromkeys(experiment[key] for experiment in experiments for key in ("dataset", "trained_on")))


def datasets_tested():
    return list(dict.fromkeys(each.dataset for each in SCORES))


def announce():
    """Tell how many subjects and pairs each dataset gives, and what needs no GPU and is long, dry-run or not."""
    for experiment in unshown(config):
        logger.warning(f"No table or figure shows experiment '{experiment}', so nothing of it is run: name it in one.")
    for dataset in datasets_shown():
        counts = {part: sum(subject.split == part for subject in subjects_of(dataset).values()) for part in PARTS}
        told = (f"{count} {part} ({count * (count - 1)} ordered pairs)" for part, count in counts.items() if count)
        logger.info(f"{DATASETS[dataset]['title']}: {', '.join(told)}.")
    hours = core_hours(config, {dataset: count_pairs(len(evaluated(dataset))) for dataset in datasets_tested()})
    logger.info(f"Evaluating methods without a network: {hours:,.1f} core hours by their minutes_per_pair.")


def datasets_prepared():
    """Datasets with subjects of which this run makes anything."""
    return [dataset for dataset in datasets_shown() if subjects_shown(dataset)]


def preparation_of(entry):
    """The records of the datasets that a table is tested on."""
    datasets = dict.fromkeys(config["experiments"][name]["dataset"] for name in entry["experiments"])
    return [f"{RUN}/preparation/{dataset}.json" for dataset in datasets]


def table_files(table):
    return [f"{RUN}/tables/{table}.{suffix}" for suffix in ("csv", "md", "tex", "json")]


def figure_files(figure):
    return [f"{RUN}/figures/{figure}.{suffix}" for suffix in ("pdf", "png")]


def files_beside(name):
    return [f"{RUN}/{name}.{suffix}" for suffix in ("csv", "md", "json")]


def experiment_files(experiment):
    """An experiment's scores, and the tables and figures that show no other experiment."""
    return [
        *score_files(scores_of(config, {"experiments": [experiment]})),
        *(file for table in shown_alone(config, experiment, "tables") for file in table_files(table)),
        *(file for figure in shown_alone(config, experiment, "figures") for file in figure_files(figure)),
    ]


def named_targets():
    """What each name stands for that may be asked for; an experiment and a table may share one, which is then both."""
    named = {}
    for names, files_of in (
        (config["experiments"], experiment_files),
        (config["tables"], table_files),
        (config["figures"], figure_files),
        (BESIDE_TABLES, files_beside),
    ):
        for name in names:
            named.setdefault(name, []).extend(files_of(name))
    return named


def results_to_read():
    """What a person opens."""
    return [
        f"{RUN}/report.html",
        *(file for table in config["tables"] for file in table_files(table)),
        *(file for figure in config["figures"] for file in figure_files(figure)),
        *(file for name in BESIDE_TABLES for file in files_beside(name)),
        *(
            f"{RUN}/preparation/{dataset}.{suffix}"
            for dataset in datasets_prepared()
            for suffix in ("html", "tsv", "json")
        ),
        *(f"{RUN}/splits/{dataset}.tsv" for dataset in datasets_prepared()),
    ]


def results_to_build_on():
    """Everything else that is kept.

    Snakemake makes a deleted file again only if it is a target, however much hangs on it. So all are.
    """
    shown = [name for name, entry in config["figures"].items() if FIGURES[entry["kind"]].shows_pairs]
    pictured = {each.dataset: None for name in shown for each in scores_of(config, config["figures"][name])}
    return [
        f"{RUN}/metrics.parquet",
        *score_files(SCORES),
        *evaluation_chunks(),
        *model_files("weights.pt", "trained", "published"),
        *training_histories(),
        *training_records(),
        *(f"{RUN}/pairs/{dataset}.tsv" for dataset in datasets_tested()),
        *(f"{RUN}/shown/{dataset}.tsv" for dataset in pictured),
        *(file for figure in shown for what in ("fields.npz", "facts.csv") for file in shown_files(figure, what)),
        *(file for dataset in datasets_prepared() for file in files_of_preparation(dataset)),
    ]


def files_of_preparation(dataset):
    """Every subject on the common grid, and where they are made here, the target and the raw scans."""
    names = subjects_shown(dataset)
    made = [name for name in names if DATASETS[dataset]["virtual"]]
    return [
        *(file for what in PREPARED for file in prepared(dataset, names, what)),
        *([f"{RUN}/reference/{dataset}.nii.gz"] if is_reference(DATASETS[dataset]["prepare"]["target"]) else []),
        *(file for name in made for file in raw_files(dataset, name).values()),
        *([f"{raw_root(dataset)}/{listings()[dataset]}"] if dataset in listings() else []),
    ]


def all_targets(wildcards):
    announce()
    return list(dict.fromkeys(map(str, [*results_to_read(), *results_to_build_on()])))
