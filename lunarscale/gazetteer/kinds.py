"""What kind of feature a name stands for, and which names the package keeps."""

import re

#: The gazetteer's descriptor terms as names begin with them, singular and plural, and their kind.
DESCRIPTORS = {
    "Catena": "catena",
    "Dorsa": "dorsum",
    "Dorsum": "dorsum",
    "Lacus": "lacus",
    "Mare": "mare",
    "Mons": "mons",
    "Mont": "mons",
    "Montes": "mons",
    "Oceanus": "oceanus",
    "Palus": "palus",
    "Planitia": "planitia",
    "Promontorium": "promontorium",
    "Rima": "rima",
    "Rimae": "rima",
    "Rupes": "rupes",
    "Sinus": "sinus",
    "Statio": "landing site",
    "Vallis": "vallis",
}

#: Names without such a term that are no crater's.
ODD_NAMES = {"Reiner Gamma": "albedo feature"}

#: Kinds that are long and narrow: their diameter is a length, and its circle is not the feature.
LINEAR = frozenset({"catena", "dorsum", "rima", "rupes", "vallis"})

_ASTRONAUTS = re.compile(r"^Astronaut[ -]named feature")
_LETTERED = re.compile(r" [A-Z]{1,2}( Inner| Outer)?$")


def kind_of(name: str, origin: str) -> str:
    """Kind of a feature by its name and, for what astronauts named, by the name's origin.

    Whatever else has no descriptor term is a crater.
    """
    if _ASTRONAUTS.match(origin):
        return "astronaut-named feature"
    return ODD_NAMES.get(name) or DESCRIPTORS.get(name.split()[0], "crater")


def is_lettered(name: str) -> bool:
    """Whether a name is that of a crater's satellite, ``Abbe H`` or ``Gerard Q Inner``."""
    return _LETTERED.search(name) is not None
