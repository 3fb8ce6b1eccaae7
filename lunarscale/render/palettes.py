"""One perceptually uniform, colour-blind safe palette a quantity, and the grey of no-data.

The palettes are F. Crameri's scientific colour maps (Crameri, Shephard & Heron 2020, Nat.
Commun. 11, 5444; doi 10.1038/s41467-020-19160-7): lightness rises evenly, so equal steps of
composition look equal, also in grey print and to colour-blind eyes.
"""

from cmcrameri import cm
from matplotlib.colors import Colormap

from lunarscale.quantities import QUANTITIES

#: Neutral grey of pixels without a value; no palette below comes near it (a test measures it).
NO_DATA_COLOUR = (0.75, 0.75, 0.75)

_PALETTES: dict[str, str] = {
    "FeO": "batlow",
    "TiO2": "navia",
    "Al2O3": "lajolla",
    "MgO": "imola",
    "CaO": "buda",
    "SiO2": "tokyo",
    "OMAT": "bamako",
    "Mg_number": "hawaii",
    "theta_Fe": "lipari",
    "theta_Ti": "davos",
}


def quantity_of(layer: str) -> str:
    """The quantity that a layer shows: ``FeO`` for ``FeO`` and for ``FeO_lucey_2000``.

    Returns
    -------
    str
        A name of ``lunarscale.quantities.QUANTITIES``, or the layer's own name where none fits.
    """
    fits = [name for name in QUANTITIES if layer == name or layer.startswith(f"{name}_")]
    return max(fits, key=len, default=layer)


def palette_of(layer: str) -> Colormap:
    """The palette of a layer's quantity; no-data is grey, other quantities get ``batlow``.

    Parameters
    ----------
    layer : str
        Name of a layer, ``TiO2`` or ``TiO2_lucey_2000``.
    """
    # the ends of an oxide's interval are drawn as the oxide is
    quantity = quantity_of(layer).removesuffix("_lower").removesuffix("_upper")
    palette: Colormap = getattr(cm, _PALETTES.get(quantity, "batlow"))
    return palette.with_extremes(bad=NO_DATA_COLOUR)
