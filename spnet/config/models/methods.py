"""Methods: what each is, what it follows, where it deviates, and its options."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_serializer

from spnet.config.models.fields import AtLeastOne, Distinct, Entry, NotNegative, Positive, Sparse


class TrainingEntry(Entry):
    """How a method is trained."""

    steps: AtLeastOne = Field(30_000, description="Steps over all stages.")
    learning_rate: Positive = Field(1e-4, description="Rate of Adam.")
    checkpoint_every: AtLeastOne = Field(1000, description="Steps between two checkpoints.")
    batch_size: AtLeastOne = Field(1, description="Pairs, or triplets, in a step.")


class TrainingOfDatasetEntry(Sparse):
    """What differs in a training on one dataset."""

    steps: AtLeastOne | None = Field(None, description="Steps over all stages.")
    learning_rate: Positive | None = Field(None, description="Rate of Adam.")
    checkpoint_every: AtLeastOne | None = Field(None, description="Steps between two checkpoints.")
    batch_size: AtLeastOne | None = Field(None, description="Pairs, or triplets, in a step.")


class PerDatasetEntry(Entry):
    """What differs for one dataset."""

    options: dict[str, Any] = Field({}, description="Options that differ.")
    training: TrainingOfDatasetEntry = Field(TrainingOfDatasetEntry(), description="What differs in the training.")


class MethodEntry(Entry):
    """A method of methods.yaml, or of a study."""

    title: str = Field(description="What the reader sees; unless given, the method's name.")
    implementation: str = Field(description="A name in `spnet.methods.METHODS`; unless given, the method's name.")
    kind: Literal["untrained", "trained", "published"] = Field(
        "trained", description="Needs no weights, is trained by this workflow, or has its authors' weights."
    )
    published_as: str | None = Field(
        description="The paper's row in `published.tsv`; unless given, the method's name, of kind `published` the"
        " implementation's."
    )
    recreated: bool = Field(
        False, description="No code and no text of the authors was reachable. Tables then say so beside the title."
    )
    citation: str = Field("-", description="The source.")
    follows: str = Field("-", description="The text or code that the implementation follows.")
    deviations: list[str] = Field(
        [], description="Where it does not follow that, or chooses what the source leaves open."
    )
    options: dict[str, Any] = Field(
        {}, description="Options of the implementation; its module in `spnet/methods/` says what each means."
    )
    training: TrainingEntry | None = Field(None, description="How it is trained; of kind `trained` alone.")
    seeds: Annotated[list[NotNegative], Field(min_length=1), Distinct] | None = Field(
        None, description="Seeds of its trainings, where they are others than the study's."
    )
    minutes_per_pair: Positive = Field(
        0.05,
        description="Minutes that an unordered pair takes at 160x192x160, on a GPU or, without a network, one core."
        " An evaluation job gets as many pairs as make an hour. To change it in a run that has begun scores again.",
    )
    seconds_per_step: Positive = Field(
        0.2, description="Seconds that a training step takes at 160x192x160. Quick trainings come first by it."
    )
    per_dataset: dict[str, PerDatasetEntry] = Field(
        {}, description="What differs when it is trained on a dataset or, untrained, registers it."
    )
    weights: str | None = Field(None, description="Kind `published`: name of the weights in `spnet.weights.PUBLISHED`.")
    trained_on: str | None = Field(
        None,
        description="Kind `published`: the dataset that the authors trained on. Where an experiment's is another, the"
        " row has no value of the paper beside it.",
    )

    @field_serializer("training")
    def _nothing_to_train(self, training: TrainingEntry | None) -> dict[str, Any]:
        return {} if training is None else training.model_dump()
