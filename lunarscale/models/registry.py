"""The models that there are, by name."""

import difflib
from pathlib import PurePath

from lunarscale.errors import ModelError
from lunarscale.models.calibrated import CALIBRATIONS
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
from lunarscale.models.files import read_equations
from lunarscale.models.model import Model
from lunarscale.models.network_files import read_network, ready_names, ready_network

#: The ready model of what Kaguya MI sees.
KAGUYA_OXIDES = "kaguya-oxides"

#: What a map of Clementine's shows unless told otherwise.
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


def default_models(camera: str) -> tuple[Model, ...]:
    """What a map of a camera's mosaic shows unless told otherwise.

    For Clementine the equations of Qiu 2025; for Kaguya MI, whose published equations give angles
    only, the ready oxides.
    """
    return DEFAULT_MODELS if camera == DEFAULT_MODELS[0].camera else (ready_network(KAGUYA_OXIDES),)


def find_models(name_or_path: str) -> tuple[Model, ...]:
    """The models of a name or a file; a file of equations may hold several.

    Parameters
    ----------
    name_or_path : str
        A built-in equation or network, a calibration (``before-ce6``: both its equations), or the
        path of a ``.json`` of equations (as `calibrate` writes them) or of a network's ``.onnx``.

    Raises
    ------
    ModelError
        If there is none of that name (the message offers the nearest), or the file is no model.
    """
    if name_or_path in BUILT_IN:
        return (BUILT_IN[name_or_path],)
    if name_or_path in CALIBRATIONS:
        return CALIBRATIONS[name_or_path]
    if "://" in name_or_path:
        raise ModelError(
            f"{name_or_path} is a URL but models are read from files that every worker sees; "
            "download it and give its path"
        )
    suffix = PurePath(name_or_path).suffix.lower()
    if suffix == ".onnx":
        return (read_network(name_or_path),)
    if suffix == ".json":
        return read_equations(name_or_path)
    if suffix in FOREIGN or "/" in name_or_path:
        raise ModelError(
            f"{name_or_path} is a path but no .onnx or .json file; {FOREIGN.get(suffix, _USE)}"
        )
    ready = ready_names()
    if name_or_path in ready:
        return (ready_network(name_or_path),)
    names = [*BUILT_IN, *CALIBRATIONS, *ready]
    near = difflib.get_close_matches(name_or_path.lower(), names, n=3, cutoff=0.5)
    offer = f"did you mean {' or '.join(near)}?" if near else "`lunarscale models` lists them"
    raise ModelError(f"there is no model {name_or_path!r} among the {len(names)}; {offer}")


def find_model(name_or_path: str) -> Model:
    """The one model of a name or a file.

    Raises
    ------
    ModelError
        As ``find_models``, and if the file holds several.
    """
    found = find_models(name_or_path)
    if len(found) > 1:
        raise ModelError(
            f"{name_or_path} holds {len(found)} equations ({', '.join(m.name for m in found)}) "
            "where one is asked for; give a file of one"
        )
    return found[0]


def _exporting(made_with: str, how: str) -> str:
    return f"{made_with} keeps that form, models are read from ONNX; {how}"


_USE = "give the path of a model file, or a built-in name (`lunarscale models` lists them)"

#: What to do with files that other tools keep their networks in.
FOREIGN = {
    **dict.fromkeys(
        (".pt", ".pth", ".ckpt"), _exporting("torch", "write it with torch.onnx.export")
    ),
    **dict.fromkeys((".keras", ".h5", ".hdf5"), _exporting("Keras", "write it with tf2onnx")),
    **dict.fromkeys(
        (".pkl", ".pickle", ".joblib"), _exporting("scikit-learn", "write it with skl2onnx")
    ),
    **dict.fromkeys((".yaml", ".yml"), "a card lies beside its .onnx; give the path of that"),
}
