"""Claims of a paper, as checkable statements."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from spnet.config.models.fields import Entry


class ClaimEntry(Entry):
    """What a paper says in words, and the statistic that grades it, with that statistic's parameters.

    The parameters are those of a function, which is imported, and asked for them, only where it is called or checked
    (:func:`spnet.analysis.claims.check_claims`).
    """

    model_config = ConfigDict(extra="allow")

    text: str = Field(description="The paper's words.")
    where: str = Field(description="Where they stand.")
    statistic: str = Field(description="What grades them: one of those [below](#statistics-of-claims).")
