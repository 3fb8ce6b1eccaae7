"""What ships for each camera and oxide, and why.

Every recipe is what the rule of ``selection`` takes among the ridges of ``menu`` and the plain
means of two of them; a test follows the rule again. Gaussian processes and networks were judged
beside them. With processes in the menu the rule takes the same recipes for Clementine, and what
it is worth when nested falls (LOMO R2 of MgO from 0.13 to 0.01, of SiO2 from 0.30 to 0.23).
"""

from dataclasses import dataclass

from lunarscale.errors import TrainingError
from lunarscale.training.families import Average, Family
from lunarscale.training.menu import ridges
from lunarscale.training.samples import Samples


@dataclass(frozen=True)
class Recipe:
    """The family that ships for an oxide.

    Parameters
    ----------
    members : tuple of str
        Names in ``menu.ridges``; their plain mean is taken.
    why : str
        What carries it, in words.
    """

    members: tuple[str, ...]
    why: str


_IRON_LINE = (
    "a line in the iron angle: no other family is better at stations held out, and none keeps as "
    "much at sites held out. The angle's origin is Qiu's (2025), found with these stations; found "
    "again inside every fold it gives R2 0.931 (LOO) and 0.924 (LOMO) instead of 0.936"
)
_TITANIUM = (
    "in logarithms soils poor in titanium cannot fall below zero: with Apollo 16 held out the "
    "reference ridge gives -7 wt % there"
)
_TITANIUM_KAGUYA = (
    "in logarithms errors count by their ratio, which carries to Apollo 15 and 17 held out better "
    "than ridge on TiO2 itself"
)
_ALUMINIUM = "aluminium falls as iron rises, by its ratio: logarithms carry to sites held out"
_BLEND = "many features tell neighbours apart, few carry to sites unlike all others: their mean"

#: By camera and oxide.
SHIPPED: dict[str, dict[str, Recipe]] = {
    "clementine-uvvis": {
        "FeO": Recipe(("iron angle",), _IRON_LINE),
        "TiO2": Recipe(("reference and iron angle, ln",), _TITANIUM),
        "Al2O3": Recipe(("albedo and iron angle, ln", "iron angle, ln"), _ALUMINIUM),
        "MgO": Recipe(("ratios and angles", "albedo"), _BLEND),
        "CaO": Recipe(("ratios and angles", "albedo and iron angle"), _BLEND),
        "SiO2": Recipe(("angles",), "silicon falls as titanium and iron rise"),
    },
    "kaguya-mi": {
        "FeO": Recipe(("everything, ln", "bands"), _BLEND),
        "TiO2": Recipe(("logarithms, ln", "titanium angle, ln"), _TITANIUM_KAGUYA),
        "Al2O3": Recipe(("reference", "iron angle, ln"), _ALUMINIUM),
        "MgO": Recipe(("albedo, ln",), "nothing but albedo carries to sites held out"),
        "CaO": Recipe(("reference", "iron angle"), _BLEND),
        "SiO2": Recipe(("bands", "angles"), _BLEND),
    },
}


def shipped(samples: Samples, oxide: str) -> Family:
    """The family that ships for an oxide of the samples' camera.

    Raises
    ------
    TrainingError
        If none does.
    """
    recipe = recipe_of(samples.camera, oxide)
    menu = ridges(samples.bands_nm)
    members = tuple(menu[name] for name in recipe.members)
    return members[0] if len(members) == 1 else Average(members)


def recipe_of(camera: str, oxide: str) -> Recipe:
    """The recipe of an oxide.

    Raises
    ------
    TrainingError
        If there is none for the camera or the oxide.
    """
    recipes = SHIPPED.get(camera, {})
    if oxide not in recipes:
        there = "; ".join(f"{name}: {', '.join(of)}" for name, of in SHIPPED.items())
        raise TrainingError(f"nothing ships for {oxide} of {camera}; there are recipes for {there}")
    return recipes[oxide]
