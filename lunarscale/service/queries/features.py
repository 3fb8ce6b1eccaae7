"""Named features: found by their names' beginnings, kinds and places."""

import re
from functools import cache

from pydantic import BaseModel, Field

from lunarscale.gazetteer import Feature, features
from lunarscale.gazetteer.features import spelling
from lunarscale.service.queries.asked import Box


class FeatureFacts(BaseModel):
    """A named feature."""

    name: str = Field(examples=["Tycho"])
    kind: str = Field(examples=["crater"])
    lon: float = Field(description="Of its centre, degrees east, -180..180.", examples=[-11.22])
    lat: float = Field(examples=[-43.3])
    diameter_km: float = Field(
        description="Length of what is long and narrow; 0 where the gazetteer gives none.",
        examples=[85.29],
    )


class FeatureList(BaseModel):
    """Named features, the largest first; one of exactly that name before all."""

    features: list[FeatureFacts]
    found: int = Field(description="All that there are; the list may be shorter.")


def search(text: str, *, kind: str | None, box: Box | None, limit: int) -> FeatureList:
    """Features one of whose names' words begins with a text, however it is spelled.

    Parameters
    ----------
    text : str
        ``schrod``, ``mare imb``, ``imb``; letters' case and marks do not count. Empty: all.
    kind : str or None
        ``crater``, ``mare``, ...
    box : Box or None
        In which their centres lie.
    limit : int
        The most that are listed.

    Raises
    ------
    RegionError
        If there is no such kind; the message lists those there are.
    """
    wanted = _bare(text)
    found = [
        feature
        for feature in features(kind)
        if any(tail.startswith(wanted) for tail in _tails(feature))
        and (box is None or box.holds(feature.lon, feature.lat))
    ]
    found.sort(key=lambda each: (_bare(each.name) != wanted, -each.diameter_km, each.name))
    listed = [FeatureFacts(**feature._asdict()) for feature in found[:limit]]
    return FeatureList(features=listed, found=len(found))


def _bare(name: str) -> str:
    """A name without marks and brackets: ``nother noether``."""
    return " ".join(spelling(re.sub(r"[()]", " ", name)).split())


@cache
def _tails(feature: Feature) -> tuple[str, ...]:
    """A name from each of its words on; of ``Nöther (Noether)`` either name is one."""
    words = _bare(feature.name).split()
    return tuple(" ".join(words[first:]) for first in range(len(words)))
