"""What is asked for: which experiments a configuration shows, and every file that a whole run leaves."""

BESIDE_TABLES = ["significance"] * bool(config["significance"]) + ["cost"] + ["claims"] * bool(config["claims"])
PREPARED = ("image.nii.gz", "labels.nii.gz", "qc.json", "qc.png")


def evaluation_chunks():
    """Every evaluation job's table, each once however many experiments share it."""
    size = config["pairs_per_chunk"]
    return list(
        dict.fromkeys(
            f"{RUN}/evaluation/{trained_on(experiment, METHODS[method])}/{method}/seed-{seed}/"
            f"{experiment['dataset']}/chunk-{chunk}.csv"
            for experiment in shown_experiments(config)
            for method in experiment["methods"]
            for seed in seeds_of(method)
            for chunk in range(count_chunks(len(evaluated(experiment["dataset"])), size))
        )
    )


def shown_files(figure, what):
    """What the registrations that a figure shows leave, for every dataset, then method; of the first seed only."""
    entry = config["figures"][figure]
    if not KINDS[entry["kind"]].shows_pairs:
        return []
    experiments = [config["experiments"][name] for name in entry["experiments"]]
    return [
        f"{RUN}/shown/{trained_on(experiment, METHODS[method])}/{method}/seed-{seeds_of(method)[0]}/"
        f"{experiment['dataset']}/{what}"
        for experiment in experiments
        for method in entry.get("methods", experiment["methods"])
        if method in experiment["methods"]
    ]


def training_records():
    return [path.replace("history.csv", "run.yaml") for path in training_histories()]


def datasets_shown():
    experiments = shown_experiments(config)
    return list(dict.fromkeys(experiment[key] for experiment in experiments for key in ("dataset", "trained_on")))


def announce():
    """Tell how many subjects and pairs each dataset gives, dry-run or not."""
    for dataset in datasets_shown():
        counts = {part: sum(subject.split == part for subject in subjects_of(dataset).values()) for part in PARTS}
        told = (f"{count} {part} ({count * (count - 1)} ordered pairs)" for part, count in counts.items() if count)
        logger.info(f"{DATASETS[dataset]['title']}: {', '.join(told)}.")


def datasets_prepared():
    """Datasets with subjects of which this run makes anything."""
    return [dataset for dataset in datasets_shown() if subjects_shown(dataset)]


def training_histories():
    """The history of every training of this run, each once however many experiments share it."""
    return list(
        dict.fromkeys(
            f"{RUN}/models/{experiment['trained_on']}/{method}/seed-{seed}/history.csv"
            for experiment in shown_experiments(config)
            for method in experiment["methods"]
            if METHODS[method]["kind"] == "trained"
            for seed in seeds_of(method)
        )
    )


def weights_used():
    """Weights of every learned method that is scored, each once."""
    return list(
        dict.fromkeys(
            f"{RUN}/models/{trained_on(experiment, METHODS[method])}/{method}/seed-{seed}/weights.pt"
            for experiment in shown_experiments(config)
            for method in experiment["methods"]
            if METHODS[method]["kind"] != "untrained"
            for seed in seeds_of(method)
        )
    )


def results_to_read():
    """What a person opens."""
    return [
        f"{RUN}/report.html",
        *(f"{RUN}/tables/{table}.{suffix}" for table in config["tables"] for suffix in ("csv", "md", "tex")),
        *(f"{RUN}/figures/{figure}.{suffix}" for figure in config["figures"] for suffix in ("pdf", "png")),
        *(f"{RUN}/{name}.{suffix}" for name in BESIDE_TABLES for suffix in ("csv", "md")),
        *(f"{RUN}/preparation/{dataset}.{suffix}" for dataset in datasets_prepared() for suffix in ("html", "tsv")),
        *(f"{RUN}/splits/{dataset}.tsv" for dataset in datasets_prepared()),
    ]


def results_to_build_on():
    """Everything else that is kept.

    Snakemake makes a deleted file again only if it is a target, however much hangs on it. So all are.
    """
    tested = {experiment["dataset"]: None for experiment in shown_experiments(config)}
    shown = [name for name, entry in config["figures"].items() if KINDS[entry["kind"]].shows_pairs]
    pictured = {
        config["experiments"][name]["dataset"]: None for key in shown for name in config["figures"][key]["experiments"]
    }
    return [
        f"{RUN}/metrics.parquet",
        *evaluation_chunks(),
        *weights_used(),
        *training_histories(),
        *training_records(),
        *(f"{RUN}/pairs/{dataset}.tsv" for dataset in tested),
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
        *([f"{raw_root(dataset)}/segmentation/doc/oai_mri_paths.txt"] if dataset in datasets_made("oai_zib") else []),
    ]


def all_targets(wildcards):
    announce()
    return list(dict.fromkeys(map(str, [*results_to_read(), *results_to_build_on()])))
