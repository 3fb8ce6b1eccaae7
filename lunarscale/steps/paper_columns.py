"""Which layer of the maps plays which column of Qiu et al. 2025, and what makes one that is not."""

from collections.abc import Sequence
from dataclasses import dataclass

from lunarscale.models.calibrated import CALIBRATIONS
from lunarscale.models.network_files import ready_names, ready_network
from lunarscale.models.registry import BUILT_IN
from lunarscale.store.layout import Layout, MapLayer

#: Networks in the order in which they are taken: the paper's own, then ours.
NETWORKS = ("qiu-2025-cnn", "clementine-oxides", "kaguya-oxides")


@dataclass(frozen=True)
class Column:
    """A column of Table 1.

    Parameters
    ----------
    key : str
        What figures and files call it, ``FeO_equation``.
    heading : str
        What it shows, for people.
    quantity : str
        Name in ``lunarscale.quantities.QUANTITIES``.
    models : tuple of str
        Models that give it, the first of those that there are is taken.
    any_network : bool
        Whether, where none of these is there, any model that is no known equation serves.
    """

    key: str
    heading: str
    quantity: str
    models: tuple[str, ...]
    any_network: bool = False


def _network(key: str, heading: str, quantity: str) -> Column:
    return Column(key, heading, quantity, NETWORKS, any_network=True)


#: The columns as printed.
COLUMNS: tuple[Column, ...] = (
    Column(
        "FeO_before", "FeO, equation before CE-6", "FeO", ("before-ce6-feo", "calibrated-48-feo")
    ),
    Column(
        "TiO2_before",
        "TiO2, equation before CE-6",
        "TiO2",
        ("before-ce6-tio2", "calibrated-48-tio2"),
    ),
    Column(
        "FeO_equation", "FeO, equation", "FeO",
        ("qiu-2025-feo", "with-ce6-feo", "calibrated-49-feo"),
    ),
    Column(
        "TiO2_equation", "TiO2, equation", "TiO2",
        ("qiu-2025-tio2", "with-ce6-tio2", "calibrated-49-tio2"),
    ),
    _network("FeO_network", "FeO, network", "FeO"),
    _network("TiO2_network", "TiO2, network", "TiO2"),
    _network("Al2O3", "Al2O3, network", "Al2O3"),
    _network("MgO", "MgO, network", "MgO"),
    _network("CaO", "CaO, network", "CaO"),
    _network("Mg_number", "Mg#, network", "Mg_number"),
    Column("OMAT", "OMAT", "OMAT", ("qiu-2025-omat", "lucey-2000-omat")),
)  # fmt: skip

#: What the after of before and after is taken from, beside the columns: the same search with one
#: more station is a fairer comparison than another calibration on about as many.
AFTER: tuple[Column, ...] = (
    Column("FeO_with", "FeO, equation with CE-6", "FeO", ("with-ce6-feo", "calibrated-49-feo")),
    Column(
        "TiO2_with", "TiO2, equation with CE-6", "TiO2", ("with-ce6-tio2", "calibrated-49-tio2")
    ),
)


@dataclass(frozen=True)
class Found:
    """A column with its layer.

    Parameters
    ----------
    column : Column
    layer : MapLayer or None
        None where the maps have none.
    others : tuple of str
        Layers that would serve too and were not taken.
    """

    column: Column
    layer: MapLayer | None
    others: tuple[str, ...] = ()


def find_columns(layout: Layout, columns: Sequence[Column] = COLUMNS) -> tuple[Found, ...]:
    """The layer of each column, by model and quantity; None where there is none."""
    return tuple(_find(column, layout.layers) for column in columns)


def _find(column: Column, layers: Sequence[MapLayer]) -> Found:
    of_quantity = [layer for layer in layers if layer.quantity == column.quantity]
    fitting = [layer for name in column.models for layer in of_quantity if layer.model == name]
    if column.any_network:
        fitting += [
            layer for layer in of_quantity if layer not in fitting and not _is_equation(layer.model)
        ]
    first = fitting[0] if fitting else None
    return Found(column, first, tuple(layer.name for layer in fitting[1:]))


def _is_equation(model: str) -> bool:
    return model in BUILT_IN or model in CALIBRATIONS or model.startswith("calibrated-")


def missing(found: Sequence[Found], camera: str) -> tuple[str, ...]:
    """What the maps lack, with the command that makes it; one sentence a column."""
    return tuple(
        f"{each.column.heading}: the maps have no layer of it; {_advice(each.column, camera)}"
        for each in found
        if each.layer is None
    )


def _advice(column: Column, camera: str) -> str:
    for name in column.models:
        known = [*BUILT_IN.values(), *(e for pair in CALIBRATIONS.values() for e in pair)]
        cameras = {model.name: model.camera for model in known}
        if name in ready_names():
            cameras[name] = ready_network(name).camera
        if cameras.get(name) == camera:
            return f"lunarscale predict MOSAIC --out MAPS --model {name} makes one"
    return f"no model that comes with lunarscale gives it for {camera}"


@dataclass(frozen=True)
class Comparison:
    """Two columns of one quantity of which the paper tells the difference.

    Parameters
    ----------
    key : str
        What figures and files call it, ``FeO_change``.
    minuend, subtrahend : tuple of str
        Keys of columns, the first of those that the maps have is taken.
    least : float
        Values below which a place is left out of the density, in the map's units.
    figure : int
        Number of the figure that shows it.
    """

    key: str
    minuend: tuple[str, ...]
    subtrahend: tuple[str, ...]
    least: float
    figure: int


#: Before and after Chang'e-6 (Figure 2), network and equation (Figure 4); the paper's order.
COMPARISONS: tuple[Comparison, ...] = (
    Comparison("FeO_change", ("FeO_with", "FeO_equation"), ("FeO_before",), 0.0, 2),
    Comparison("TiO2_change", ("TiO2_with", "TiO2_equation"), ("TiO2_before",), 1.0, 2),
    Comparison("FeO_network_less_equation", ("FeO_network",), ("FeO_equation",), 0.0, 4),
    Comparison("TiO2_equation_less_network", ("TiO2_equation",), ("TiO2_network",), 1.0, 4),
)
