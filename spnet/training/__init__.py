"""One training loop for all learned methods."""

from spnet.training.loop import TrainingOptions, train

__all__ = ["TrainingOptions", "train"]
