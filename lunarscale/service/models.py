"""The models that jobs may use: those of the package, and uploaded ones, by name and never path."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from lunarscale.errors import UnknownError
from lunarscale.models.calibrated import CALIBRATIONS
from lunarscale.models.model import Model
from lunarscale.models.network_files import ready_names, ready_network
from lunarscale.models.registry import BUILT_IN, default_models
from lunarscale.service.upload import Upload
from lunarscale.service.uploads import Uploads


@dataclass(frozen=True)
class KnownModel:
    """A model by the name that a job gives.

    Parameters
    ----------
    name : str
    camera : str
    bands_nm : tuple of int
    quantities : tuple of str
    source : str
        Where it comes from, for people.
    is_usual : bool
        Whether a job that names none takes it.
    upload : Upload or None
        None of those that come with the package.
    """

    name: str
    camera: str
    bands_nm: tuple[int, ...]
    quantities: tuple[str, ...]
    source: str
    is_usual: bool = False
    upload: Upload | None = None


@cache
def package_models() -> tuple[KnownModel, ...]:
    """The models that come with the package; the networks' files are read once."""
    singles: list[Model] = [*BUILT_IN.values(), *map(ready_network, ready_names())]
    return (
        *(_of_package(model.name, (model,)) for model in singles),
        *(_of_package(name, models) for name, models in CALIBRATIONS.items()),
    )


def _of_package(name: str, models: tuple[Model, ...]) -> KnownModel:
    first = models[0]
    return KnownModel(
        name=name,
        camera=first.camera,
        bands_nm=tuple(sorted({band for model in models for band in model.bands_nm})),
        quantities=tuple(q.name for model in models for q in model.quantities),
        source="; ".join(dict.fromkeys(model.source for model in models if model.source)),
        is_usual=any(model in default_models(first.camera) for model in models),
    )


def known_models(uploads: Uploads) -> list[KnownModel]:
    """All models that a job may name."""
    return [*package_models(), *map(_of_upload, uploads.listed("models"))]


def _of_upload(upload: Upload) -> KnownModel:
    holds: dict[str, Any] = upload.holds
    return KnownModel(
        name=upload.name,
        camera=holds["camera"],
        bands_nm=tuple(holds["bands_nm"]),
        quantities=tuple(holds["quantities"]),
        source=holds["source"],
        upload=upload,
    )


def find_known(uploads: Uploads, name: str) -> KnownModel:
    """The model of a name.

    Raises
    ------
    UnknownError
        If there is none; a path is none.
    """
    for model in known_models(uploads):
        if model.name == name:
            return model
    raise UnknownError(f"there is no model {name[:80]!r}; /api/models lists those there are")


def word_for(uploads: Uploads, name: str) -> str:
    """What a step is told for the model of a name: the name, or an upload's path.

    Raises
    ------
    UnknownError
        If there is none.
    """
    model = find_known(uploads, name)
    return model.name if model.upload is None else str(uploads.path(model.upload))
