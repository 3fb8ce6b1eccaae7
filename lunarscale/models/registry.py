"""The models that there are, by name."""

import difflib
from pathlib import PurePath

from lunarscale.errors import ModelError
from lunarscale.models.equations import (
    LUCEY_2000_FEO,
    LUCEY_2000_OMAT,
    LUCEY_2000_TIO2,
    OTAKE_2012_THETA_FE,
    OTAKE_2012_THETA_TI,
    QIU_2025_FEO,
    QIU_2025_OMAT,
    QIU_2025_TIO2,
    WILCOX_2005_FEO,
    Equation,
)
from lunarscale.models.model import Model

#: What a map shows unless told otherwise.
DEFAULT_MODELS: tuple[Equation, ...] = (QIU_2025_FEO, QIU_2025_TIO2, QIU_2025_OMAT)

#: Every model that comes with the package, by name.
BUILT_IN: dict[str, Equation] = {
    equation.name: equation
    for equation in (
        *DEFAULT_MODELS,
        LUCEY_2000_FEO,
        LUCEY_2000_TIO2,
        LUCEY_2000_OMAT,
        WILCOX_2005_FEO,
        OTAKE_2012_THETA_FE,
        OTAKE_2012_THETA_TI,
    )
}


def find_model(name_or_path: str) -> Model:
    """The model of a name.

    Raises
    ------
    ModelError
        If there is none of that name (the message offers the nearest), or if it is a path to a
        file: no kind of model file can be read yet.
    """
    if name_or_path in BUILT_IN:
        return BUILT_IN[name_or_path]
    suffix = PurePath(name_or_path).suffix
    if suffix or "/" in name_or_path:
        raise ModelError(
            f"{name_or_path} is a path, but models are not read from {suffix or 'such'} "
            "files yet; use a built-in model (`lunarscale models` lists them)"
        )
    near = difflib.get_close_matches(name_or_path.lower(), BUILT_IN, n=3, cutoff=0.5)
    offer = f"did you mean {' or '.join(near)}?" if near else "`lunarscale models` lists them"
    raise ModelError(f"there is no model {name_or_path!r} among the {len(BUILT_IN)}; {offer}")
