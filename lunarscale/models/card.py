"""The card of a network: what a model file cannot say of itself.

Written as JSON into the metadata of the networks that lunarscale trains, and as YAML beside a
foreign ``feo.onnx`` (``feo.yaml``), where four lines are enough::

    name: my-feo
    camera: clementine-uvvis
    bands_nm: [415, 750, 900, 950, 1000]
    outputs: [{quantity: FeO, units: wt %}]

A network that was trained on standardised reflectances, or gives standardised oxides, says so::

    input: {subtract: [0.11, ...], divide_by: [0.03, ...]}       # (reflectance - 0.11) / 0.03
    outputs: [{quantity: FeO, units: wt %, multiply_by: 4.6, add: 9.1}]    # y x 4.6 + 9.1
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from lunarscale.bands import CAMERAS
from lunarscale.errors import ModelError
from lunarscale.models.fields import NAME_RULE, Fields, is_name, is_number
from lunarscale.models.signature import Input as Input
from lunarscale.models.signature import Output as Output

#: Version of the card's form; another one is refused, never guessed at.
CARD_FORMAT = 1

#: Key of the card in an ONNX file's ``metadata_props``.
METADATA_KEY = "lunarscale"

#: Key of a card's ``training`` that lists the numbers of stations left out of everything,
#: as the table of stations has them.
LEFT_OUT = "stations left out"

#: Key of a card's ``training`` that names a user's table; absent where the package's own was used.
TABLE = "table of stations"

#: Pixels that a network is given at a time unless its card says otherwise: measured on ordinary
#: exports, the fastest (a dense network of 64 units makes 28.7 Mpx/s a core, against 16.8 in
#: blocks of 512 and 22.0 of 8,192) or within 1 % of it (Conv1D, whose blocks hardly matter).
BLOCK_PIXELS = 4096

_NEEDED = ("name", "camera", "bands_nm", "outputs")
_TEXTS = ("description", "source", "licence", "version")
_KEYS = ("format", *_NEEDED, "input", "distance_limit", "block_pixels", *_TEXTS, "training",
         "scores")  # fmt: skip


@dataclass(frozen=True)
class Card:
    """What a network needs and gives, where it comes from and how good it is.

    Parameters
    ----------
    name : str
        Name for people and commands, ``qiu-2025``.
    camera : str
        Name of the camera it was made for, ``clementine-uvvis``.
    bands_nm : tuple of int
        Bands it takes, in its order.
    outputs : tuple of Output
        What it gives, in the order of the maps.
    input : Input
    distance_limit : float or None
        Value of the graph's output ``distance`` beyond which a pixel is flagged as extrapolated;
        None where the graph has no such output.
    block_pixels : int
        Pixels that the network is given at a time.
    description, source, licence, version : str
    training : dict
        How it was trained: hash of the stations, how many, their targets, seeds; JSON values.
    scores : dict of str to dict
        Figures by oxide; JSON values.

    Raises
    ------
    ModelError
        If the camera, a band or a quantity is not known, units are not the quantity's, or a
        number is impossible.
    """

    name: str
    camera: str
    bands_nm: tuple[int, ...]
    outputs: tuple[Output, ...]
    input: Input = field(default_factory=Input)
    distance_limit: float | None = None
    block_pixels: int = BLOCK_PIXELS
    description: str = ""
    source: str = ""
    licence: str = ""
    version: str = ""
    training: Mapping[str, Any] = field(default_factory=dict, hash=False)
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for key in ("training", "scores"):  # as JSON gives them back: lists, no tuples, no NaN
            object.__setattr__(self, key, _plain(getattr(self, key), f"{key} of {self.name}"))
        if not is_name(self.name):
            raise ModelError(f"a card's name is {self.name[:80]!r}; give one of {NAME_RULE}")
        if self.camera not in CAMERAS:
            raise ModelError(
                f"the card of {self.name} is for the camera {self.camera!r}, which is not known; "
                f"use {' or '.join(CAMERAS)}"
            )
        CAMERAS[self.camera].band_indices(self.bands_nm, f"the card of {self.name}")
        self._check_bands()
        self.input.check(len(self.bands_nm), f"the card of {self.name}")
        self._check_outputs()
        self._check_numbers()

    def _check_bands(self) -> None:
        if not self.bands_nm or len(set(self.bands_nm)) != len(self.bands_nm):
            raise ModelError(
                f"the card of {self.name} lists the bands {list(self.bands_nm)}; name each band "
                "that the graph takes once, in its order"
            )

    def _check_outputs(self) -> None:
        if not self.outputs:
            raise ModelError(f"the card of {self.name} has no outputs; say what the graph gives")
        names = [output.quantity for output in self.outputs]
        for output in self.outputs:
            output.check(f"the card of {self.name}")
            if names.count(output.quantity) > 1:
                raise ModelError(
                    f"the card of {self.name} gives {output.quantity} twice; give it once"
                )

    def _check_numbers(self) -> None:
        if self.block_pixels < 1:
            raise ModelError(
                f"the card of {self.name} has blocks of {self.block_pixels} pixels; use 1 or more"
            )
        if not (self.distance_limit is None or is_number(self.distance_limit)):
            raise ModelError(
                f"the card of {self.name} has a distance_limit of {self.distance_limit}; "
                "give a finite number, or none"
            )
        for oxide, figures in self.scores.items():
            if not isinstance(figures, dict):
                raise ModelError(
                    f"the card of {self.name} scores {oxide} with {figures!r}; "
                    "give figures by name, {r2_loo: 0.9}"
                )

    def to_json(self) -> str:
        """The card as JSON, which ``from_json`` reads back equal."""
        said = {
            "format": CARD_FORMAT,
            **{key: getattr(self, key) for key in _KEYS if key not in ("format", "input")},
            "outputs": [vars(output) for output in self.outputs],
            "input": vars(self.input),
        }
        return json.dumps(said, ensure_ascii=False, allow_nan=False, indent=1)

    @classmethod
    def from_json(cls, text: str, *, where: str = "the card") -> "Card":
        """The card that ``to_json`` wrote.

        Parameters
        ----------
        text : str
        where : str
            What messages call it: the file's name.

        Raises
        ------
        ModelError
            If it is no JSON, or no card of this form.
        """
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise ModelError(f"{where}: its card is no JSON ({problem}); make it again") from None
        if isinstance(parsed, Mapping) and "format" not in parsed:
            raise ModelError(f"{where}: its card lacks its format; make the file again")
        return _card(parsed, where)

    @classmethod
    def from_yaml(cls, text: str, *, where: str = "the card") -> "Card":
        """The card that somebody wrote beside a model file.

        Raises
        ------
        ModelError
            If it is no YAML, or no card.
        """
        try:
            # nine lines of references can stand for more text than memory holds
            if any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, yaml.SafeLoader)):
                raise ModelError(
                    f"{where} refers to itself by & and *; write it out, a card is short"
                )
            parsed = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as problem:
            told = " ".join(str(problem).split())
            raise ModelError(f"{where} is no YAML ({told}); mend the card") from None
        return _card(parsed, where)


def _plain(value: Any, what: str) -> Any:
    """A value as JSON gives it back."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as problem:
        raise ModelError(
            f"the {what} cannot be written as JSON ({problem}); use numbers and text"
        ) from None


def _card(parsed: object, where: str) -> Card:
    fields = Fields(parsed, _KEYS, where=where)
    fields.require(*_NEEDED)
    if fields.raw("format", CARD_FORMAT) != CARD_FORMAT:
        raise ModelError(
            f"{where}: the card has format {fields.raw('format')!r} but this lunarscale reads "
            f"{CARD_FORMAT}; use another version of lunarscale, or write the card again"
        )
    bands = fields.items("bands_nm")
    if not all(isinstance(band, int) and not isinstance(band, bool) for band in bands):
        raise fields.wrong("bands_nm", "whole nanometres, [415, 750]")
    limit = fields.raw("distance_limit")
    try:
        return Card(
            name=fields.text("name"),
            camera=fields.text("camera"),
            bands_nm=tuple(bands),
            outputs=tuple(
                Output.read(output, where=f"{where}: outputs[{index}]")
                for index, output in enumerate(fields.items("outputs"))
            ),
            input=Input.read(fields.raw("input", {}), len(bands), where=f"{where}: input"),
            distance_limit=None if limit is None else fields.number("distance_limit", 0.0),
            block_pixels=fields.integer("block_pixels", BLOCK_PIXELS),
            training=fields.mapping("training"),
            scores=fields.mapping("scores"),
            **{key: fields.text(key) for key in _TEXTS},
        )
    except ModelError as problem:
        told = str(problem)
        raise ModelError(told if told.startswith(where) else f"{where}: {told}") from None
