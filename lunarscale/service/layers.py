"""What a dataset can show: maps, or the bands of a mosaic, by name."""

from dataclasses import dataclass

from lunarscale.quantities import QUANTITIES
from lunarscale.store.layout import Layout, MapLayer


@dataclass(frozen=True)
class Layer:
    """One layer of a dataset, and where its counts and flags lie.

    Parameters
    ----------
    name : str
        ``FeO``; of a mosaic ``R750``.
    title : str
        For people.
    quantity : str
        Name in ``lunarscale.quantities.QUANTITIES``, or ``reflectance``.
    unit : str
        ``wt %``, ``1``, ``rad``.
    quantum : float
        Value of one count.
    array : str
        Array of the store that holds its counts.
    band : int or None
        Its band in that array; None where the array has none.
    flag : str
        Array that holds why there is no value.
    model, remark : str
    interval : tuple of str or None
        Names of the layers that hold the lower and upper end of its prediction interval.
    interval_meaning : str
        What share it is to hold, and how it was found; empty where its model does not say.
    """

    name: str
    title: str
    quantity: str
    unit: str
    quantum: float
    array: str
    band: int | None
    flag: str
    model: str = ""
    remark: str = ""
    interval: tuple[str, str] | None = None
    interval_meaning: str = ""


def layers_of(layout: Layout) -> tuple[Layer, ...]:
    """The layers of a store, in its order."""
    if layout.kind == "mosaic":
        camera = layout.camera_facts
        return tuple(
            Layer(
                name=f"R{wavelength}",
                title=f"{camera.title} reflectance at {wavelength} nm",
                quantity="reflectance",
                unit="1",
                quantum=camera.scale,
                array="reflectance",
                band=band,
                flag="flag",
            )
            for band, wavelength in enumerate(camera.wavelengths_nm)
        )
    return tuple(_map_layer(layer, layout.layers) for layer in layout.layers)


def _map_layer(layer: MapLayer, others: tuple[MapLayer, ...]) -> Layer:
    quantity = QUANTITIES[layer.quantity]
    ends = {
        other.quantity: other
        for other in others
        if _family(other.model) == _family(layer.model) and other.quantity != layer.quantity
    }
    low, high = (ends.get(f"{layer.quantity}_{end}") for end in ("lower", "upper"))
    return Layer(
        name=layer.name,
        title=quantity.long_name,
        quantity=quantity.name,
        unit=quantity.units,
        quantum=quantity.quantum,
        array=layer.name,
        band=None,
        flag=f"{layer.name}_flag",
        model=layer.model,
        remark=layer.remark,
        interval=None if low is None or high is None else (low.name, high.name),
        interval_meaning="" if low is None else low.remark,
    )


def _family(model: str) -> str:
    """``clementine`` for ``clementine-oxides`` and ``clementine-intervals``, which are its ends."""
    return model.removesuffix("-intervals").removesuffix("-oxides")
