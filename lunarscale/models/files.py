"""Files of equations, ``model.json``: what `calibrate` writes and `predict` reads.

One file holds one or several equations of one camera, each with the facts of its fit: the table
of stations and its digest, how many, which of them are estimated, scores, intervals. ::

    {"format": "lunarscale equations", "format_version": 1, "software": "lunarscale 0.3",
     "equations": [{
        "name": "calibrated-47-feo", "camera": "clementine-uvvis", "bands_nm": [750, 950],
        "quantity": "FeO", "source": "...", "fitted_range": [0.05, 0.4], "mare_only": false,
        "law": {"kind": "AngleLine", "x0": 0.023, "y0": 1.199, "sign": -1, "a": 23.8, "b": -8.7},
        "training": {...}}]}
"""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import lunarscale
from lunarscale.bands import CAMERAS
from lunarscale.errors import ModelError
from lunarscale.models.equations import Equation
from lunarscale.models.fields import NAME_RULE, Fields, is_name, is_number
from lunarscale.models.kernels import require_computable
from lunarscale.models.laws import AngleLine, AnglePower, Law, OriginDistance, Plane
from lunarscale.quantities import QUANTITIES

FORMAT, FORMAT_VERSION = "lunarscale equations", 1

_LAWS: dict[str, type[Law]] = {
    law.__name__: law for law in (AngleLine, AnglePower, OriginDistance, Plane)
}
_FILE_KEYS = ("format", "format_version", "software", "equations")
_NEEDED = ("name", "camera", "bands_nm", "quantity", "law", "source", "fitted_range")
_KEYS = (*_NEEDED, "mare_only", "training")


@dataclass(frozen=True)
class EquationFile:
    """Equations with the facts of their fits.

    Parameters
    ----------
    equations : tuple of Equation
        Of one camera.
    training : dict of str to dict
        Facts by the equation's name; JSON values.
    software : str
        What wrote it.
    """

    equations: tuple[Equation, ...]
    training: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    software: str = f"lunarscale {lunarscale.__version__}"


def write_equations(path: Path | str, file: EquationFile) -> None:
    """Write equations, whole or not at all.

    Raises
    ------
    ModelError
        If the kernels cannot compute one of them.
    """
    for equation in file.equations:
        try:
            require_computable(equation.law)
        except ModelError as problem:
            raise ModelError(
                f"{equation.name}: {problem}; check the table's {equation.quantity.name}, or leave "
                "its column out"
            ) from None
    told = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "software": file.software,
        "equations": [_told(e, file.training.get(e.name, {})) for e in file.equations],
    }
    path = Path(path)
    aside = path.with_name(f"{path.name}.part")
    text = json.dumps(told, indent=1, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        aside.write_text(text, encoding="utf-8")
        os.replace(aside, path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def read_equations(path: Path | str) -> tuple[Equation, ...]:
    """The equations of a file; see `read_equation_file`."""
    return read_equation_file(path).equations


def read_equation_file(path: Path | str) -> EquationFile:
    """The equations of a file, and the facts of their fits.

    Raises
    ------
    ModelError
        If it is not there, no JSON, of another form or version, or says something impossible;
        the message names the equation and the key.
    """
    told = Fields(_parsed(path), _FILE_KEYS, where=str(path))
    if told.raw("format") != FORMAT:
        raise ModelError(
            f"{path}: this is no file of equations (its format is {told.raw('format')!r} and not "
            f"{FORMAT!r}); `lunarscale calibrate --out` writes one"
        )
    if told.raw("format_version") != FORMAT_VERSION:
        raise ModelError(
            f"{path}: the file has format version {told.raw('format_version')!r} but this "
            f"lunarscale reads {FORMAT_VERSION}; write it again with `lunarscale calibrate`"
        )
    parts = told.items("equations")
    if not parts:
        raise told.wrong("equations", "a list of at least one equation")
    read = [_read(part, f"{path}: equations[{i}]") for i, part in enumerate(parts)]
    equations = tuple(equation for equation, _ in read)
    names = [equation.name for equation in equations]
    if len(set(names)) < len(names):
        raise ModelError(f"{path}: two equations have one name ({', '.join(names)}); rename one")
    if len(cameras := {equation.camera for equation in equations}) > 1:
        raise ModelError(
            f"{path}: the equations are for several cameras ({', '.join(sorted(cameras))}); keep "
            "them in files of their own"
        )
    return EquationFile(
        equations, {e.name: facts for e, facts in read}, told.text("software", "unknown")
    )


def _parsed(path: Path | str) -> object:
    if not Path(path).is_file():
        raise ModelError(f"{path}: there is no such file; check the path")
    try:
        return json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:  # of JSON and of UTF-8
        raise ModelError(
            f"{path}: this is not JSON ({error}); give a file that `lunarscale calibrate` wrote"
        ) from error


def _told(equation: Equation, training: Mapping[str, Any]) -> dict[str, Any]:
    law = {"kind": type(equation.law).__name__, **asdict(equation.law)}
    return {
        "name": equation.name,
        "camera": equation.camera,
        "bands_nm": equation.bands_nm,
        "quantity": equation.quantity.name,
        "law": law,
        "source": equation.source,
        "fitted_range": equation.fitted_range,
        "mare_only": equation.mare_only,
        "training": training,
    }


def _read(part: object, where: str) -> tuple[Equation, dict[str, Any]]:
    told = Fields(part, _KEYS, where=where)
    told.require(*_NEEDED)
    camera, quantity = told.text("camera"), told.text("quantity")
    if camera not in CAMERAS:
        raise told.wrong("camera", " or ".join(CAMERAS))
    if quantity not in QUANTITIES:
        raise told.wrong("quantity", f"one of {', '.join(QUANTITIES)}")
    equation = Equation(
        name=told.text("name"),
        camera=camera,
        bands_nm=_bands(told, camera),
        quantity=QUANTITIES[quantity],
        law=_law(told.raw("law"), f"{where}: law"),
        source=told.text("source"),
        fitted_range=_range(told),
        mare_only=told.flag("mare_only"),
    )
    if not is_name(equation.name):
        raise told.wrong("name", NAME_RULE)
    return equation, told.mapping("training")


def _bands(told: Fields, camera: str) -> tuple[int, int]:
    bands, known = told.items("bands_nm"), CAMERAS[camera].wavelengths_nm
    if (
        len(bands) != 2
        or bands[0] == bands[1]
        or not set(map(repr, bands)) <= set(map(repr, known))
    ):
        promised = f"two of the bands {', '.join(map(str, known))} nm, the base first"
        raise told.wrong("bands_nm", promised)
    return bands[0], bands[1]


def _range(told: Fields) -> tuple[float, float]:
    ends = told.items("fitted_range")
    if len(ends) != 2 or not all(map(is_number, ends)) or not 0.0 <= ends[0] < ends[1] <= 1.0:
        raise told.wrong("fitted_range", "two reflectances between 0 and 1, the lower first")
    return float(ends[0]), float(ends[1])


def _law(part: object, where: str) -> Law:
    kind = part.get("kind") if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping) or kind not in _LAWS:
        raise ModelError(
            f"{where}: its kind is {kind!r}, but laws are {', '.join(_LAWS)}; mend it, or use the "
            "lunarscale that wrote it"
        )
    law = _LAWS[str(kind)]
    names = tuple(f.name for f in fields(law))
    told = Fields(part, ("kind", *names), where=where)
    told.require(*names)
    numbers: dict[str, Any] = {name: told.number(name, 0.0) for name in names}
    if "sign" in numbers:
        if numbers["sign"] not in (-1, 1):
            raise told.wrong("sign", "-1 or 1")
        numbers["sign"] = int(numbers["sign"])
    made = law(**numbers)
    try:
        require_computable(made)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from error
    return made
