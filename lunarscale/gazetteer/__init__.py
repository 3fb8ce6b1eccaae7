"""Named features of the Moon: what a place is called, and where a name is.

Facts from the Gazetteer of Planetary Nomenclature of the International Astronomical Union (USGS
Astrogeology Science Center, list of 2015): every approved feature but the lettered satellites of
craters, in ``lunarscale/tables/named_features.csv``. That list gives no kinds; ours are the Latin
word that a name begins with, and ``kinds.py`` says what the others are.
"""

from lunarscale.gazetteer.features import Feature, features, find
from lunarscale.gazetteer.places import Near, distance_km, holding, nearest

__all__ = ["Feature", "Near", "distance_km", "features", "find", "holding", "nearest"]
