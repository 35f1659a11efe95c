"""Lookups of subjects and their raw files, for the input functions of all rules."""


def raw_root(dataset):
    return f"{RUN}/raw/{dataset}" if DATASETS[dataset]["virtual"] else f"{DATA_ROOT}/{dataset}"


def archives_of(dataset):
    """What must be unpacked, and fetched before, of a dataset; a table's folder is its owner's."""
    entry = DATASETS[dataset]
    if entry["virtual"] or not is_release(entry["layout"]):
        return Archives((), ())
    return find_archives(Path(raw_root(dataset)), entry, config["download"])


def archives_to_fetch():
    """Names of archives that may be written; none that is there, so that nobody's own file is ever an output."""
    return sorted({name for dataset in DATASETS for name in archives_of(dataset).to_fetch})


def archive_source(dataset, name):
    return next(entry for entry in DATASETS[dataset]["source"]["archives"] if entry["file"] == name)


def await_unpacking(dataset):
    """Unless it is done, an exception makes Snakemake do it first and then plan anew."""
    return checkpoints.unpack_archives.get(dataset=dataset)


@cache
def subjects_of(dataset):
    """Subjects of a dataset by name, found on disk or, of a virtual cohort, as they will be made.

    Archives are unpacked before anything else is planned: only then is it known who is there.
    """
    if archives_of(dataset).pending:
        await_unpacking(dataset)
    try:
        return {subject.subject: subject for subject in listed(dataset)}
    except SpnetError as error:
        raise WorkflowError(told_with_others(error, dataset))


def listed(dataset):
    entry = DATASETS[dataset]
    return (expected_subjects if entry["virtual"] else find_subjects)(raw_root(dataset), entry)


def told_with_others(error, dataset):
    """What is wrong with a dataset's scans and with those of every other one, and how to run without them."""
    problems = {dataset: str(error)}
    for other in DATASETS:
        if other != dataset and not archives_of(other).pending:
            try:
                listed(other)
            except SpnetError as another:
                problems[other] = str(another)
    names = ",".join(problems)
    without = "" if len(problems) == len(DATASETS) else f"\nOr run without them: --config without=[{names}]"
    return "\n".join(problems.values()) + without


def subjects_in(dataset, part):
    """Names of a dataset's subjects in one part; at least two, since a pair needs them."""
    names = [name for name, subject in subjects_of(dataset).items() if subject.split == part]
    if len(names) < 2:
        raise WorkflowError(
            f"dataset '{dataset}' has {len(names)} subjects in its {part} part, but a pair needs two. "
            f"Scans: {DATASETS[dataset]['source']['page']}"
        )
    return names


def evaluated(dataset):
    """Names of the subjects that methods are scored on."""
    return subjects_in(dataset, config["evaluate_on"])


def prepared(dataset, names, what="image.nii.gz"):
    return [f"{RUN}/preprocessed/{dataset}/{name}/{what}" for name in names]


def prepared_with_labels(dataset, names):
    return prepared(dataset, names) + prepared(dataset, names, "labels.nii.gz")


def raw_files(dataset, name):
    """A subject's raw files, by role."""
    subject = subjects_of(dataset)[name]
    files = {"image": subject.image} | ({"labels": subject.labels} if subject.labels else {})
    voxels = subject.labels.with_suffix(".raw") if subject.labels and subject.labels.suffix == ".mhd" else None
    # A mask that has lost its voxels is the reader's to tell.
    return files | ({"voxels": voxels} if voxels and (DATASETS[dataset]["virtual"] or voxels.exists()) else {})


def raw_facts(dataset, name):
    """What the dataset's documents tell of a subject."""
    subject = subjects_of(dataset)[name]
    return {"space": subject.space, "side": subject.side, "patient": subject.patient}


def reference_of(dataset):
    """The subject that is the target of a dataset's others."""
    try:
        return reference_subject(DATASETS[dataset]["prepare"]["target"], subjects_in(dataset, "train"))
    except SpnetError as error:
        raise WorkflowError(f"dataset '{dataset}': {error}")


def preparation_inputs(wildcards):
    target = DATASETS[wildcards.dataset]["prepare"]["target"]
    if is_reference(target):
        target = f"{RUN}/reference/{wildcards.dataset}.nii.gz"
    return raw_files(wildcards.dataset, wildcards.subject) | ({"target": target} if target != MNI152 else {})


def datasets_made(layout):
    """Datasets whose virtual raw scans are written in this layout."""
    return [name for name, entry in DATASETS.items() if entry["virtual"] and entry["layout"] == layout]


def virtual_files():
    """Patterns of a virtual subject's raw files by role, for every layout in which there are any."""
    layouts = dict.fromkeys(entry["layout"] for entry in DATASETS.values() if entry["virtual"])
    return {
        layout: {
            role: file if Path(file).suffix else directory(file)
            for role, file in ((role, f"{RUN}/raw/{{dataset}}/{name}") for role, name in LAYOUTS[layout].files.items())
        }
        for layout in layouts
    }


def wildcards_in(files):
    """The wildcards of these patterns as folders, each once."""
    return Path(*dict.fromkeys(re.findall(r"{\w+}", "".join(files.values()))))


def listings():
    """The files that list virtual cohorts' subjects, by dataset, where the layout has one."""
    made = {name: LAYOUTS[entry["layout"]].listing for name, entry in DATASETS.items() if entry["virtual"]}
    return {name: listing[0] for name, listing in made.items() if listing}


def subjects_shown(dataset):
    """Subjects that this run prepares: those scored and, where something trains on the dataset, those that train."""
    trains = any(
        experiment["trained_on"] == dataset and METHODS[method]["kind"] == "trained"
        for experiment in shown_experiments(config)
        for method in experiment["methods"]
    )
    tested = any(experiment["dataset"] == dataset for experiment in shown_experiments(config))
    return (subjects_in(dataset, "train") if trains else []) + (evaluated(dataset) if tested else [])
