"""Everything that a person may write: keys, types, ranges, defaults, and the sentence that explains each."""

from spnet.config.models.study import CatalogueEntry, StudyEntry

__all__ = ["CatalogueEntry", "StudyEntry"]
