"""Which layers of a store of maps one model made."""

from lunarscale.errors import StoreError
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer

#: How messages call a quantity.
_WORDS = {"Mg_number": "Mg#"}


def layers_of_one_model(
    cube: Cube, quantities: tuple[str, str], model: str | None = None
) -> tuple[MapLayer, MapLayer]:
    """The layers of two quantities that one model made.

    Parameters
    ----------
    cube : Cube
        Maps.
    quantities : (str, str)
        Names in ``lunarscale.quantities.QUANTITIES``.
    model : str, optional
        Which one's, where several made both.

    Raises
    ------
    StoreError
        If no model, or not the named one, or more than one made both.
    """
    made: dict[str, dict[str, MapLayer]] = {}
    for layer in cube.layout.layers:
        made.setdefault(layer.model, {})[layer.quantity] = layer
    both = {
        name: (layers[quantities[0]], layers[quantities[1]])
        for name, layers in made.items()
        if set(quantities) <= layers.keys()
    }
    if model is not None and model in both:
        return both[model]
    if model is None and len(both) == 1:
        return next(iter(both.values()))
    first, second = (_WORDS.get(quantity, quantity) for quantity in quantities)
    has = ", ".join(f"{layer.name} ({layer.model})" for layer in cube.layout.layers)
    if both:
        advice = f"--model takes one of {', '.join(both)}"
        asked = "several models" if model is None else f"not {model} but {' and '.join(both)}"
        raise StoreError(f"{cube.location.url}: {asked} made both {first} and {second}; {advice}")
    raise StoreError(
        f"{cube.location.url}: {first} and {second} of one model are needed but the store has "
        f"{has}; run predict with a network that gives both (`lunarscale models` lists what each "
        "gives)"
    )
