"""What ships as one ONNX file: oxides, their intervals, the distance from the stations, a card."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lunarscale.models.card import Card
from lunarscale.models.signature import DISTANCE, Output
from lunarscale.quantities import QUANTITIES
from lunarscale.training.domain import Domain
from lunarscale.training.graph import GraphBuilder
from lunarscale.training.interval_graph import write_intervals
from lunarscale.training.intervals import DEFAULT_METHOD, intervals_of
from lunarscale.training.mg_number import (
    MG_NUMBER,
    made_of,
    mg_number_row,
    with_mg_number,
)
from lunarscale.training.recipes import shipped
from lunarscale.training.samples import Samples
from lunarscale.training.together import write_together
from lunarscale.training.verdict import Verdict

#: Pixels a block that runs fastest, measured on both cameras' files: a node of a ridge takes little
#: longer than its call, and intervals have some hundred rows at a time, which leave the L2 cache.
BLOCK_PIXELS, INTERVAL_BLOCK_PIXELS = 4096, 2048


def ship(
    samples: Samples, verdicts: Sequence[Verdict], *, name: str, version: str,
    facts: Mapping[str, Any] | None = None,
) -> bytes:  # fmt: skip
    """The oxides that were judged, and Mg# where FeO and MgO are among them, as a model file.

    Parameters
    ----------
    samples : Samples
        All of their rows are learnt from.
    verdicts : sequence of Verdict
        One an oxide; their figures go into the card.
    name, version : str
        Of the card.
    facts : mapping, optional
        More to say in the card of the training.

    Returns
    -------
    bytes
        The same for the same samples on the same machine.
    """
    builder = GraphBuilder(samples.camera, samples.bands_nm)
    fitted = [
        shipped(samples, v.oxide).fit(samples, v.oxide, samples.rows(v.oxide)) for v in verdicts
    ]
    oxides = builder.split(write_together(builder, fitted))
    rows = {v.oxide: row for v, row in zip(verdicts, oxides, strict=True)}
    quantities = with_mg_number(rows)
    if MG_NUMBER in quantities:
        rows[MG_NUMBER] = mg_number_row(builder, rows)
    for quantity in quantities:
        builder.output(quantity, rows[quantity])
    domain = Domain.of(samples, np.arange(len(samples)))
    builder.output(DISTANCE, domain.write(builder))
    outputs = [
        _output(quantity, *(v for v in verdicts if v.oxide in made_of(quantity)))
        for quantity in quantities
    ]
    description = "what generalises best from the stations: ridges, and means of two"
    return builder.build(
        _card(samples, verdicts, outputs, name=name, version=version, limit=domain.limit,
              block_pixels=BLOCK_PIXELS, description=description, facts=facts or {})
    )  # fmt: skip


def ship_intervals(
    samples: Samples, verdicts: Sequence[Verdict], *, name: str, version: str, level: float,
    method: str = DEFAULT_METHOD, facts: Mapping[str, Any] | None = None,
) -> bytes:  # fmt: skip
    """Both ends of the judged oxides' prediction intervals, as a model file.

    A file of its own: a pixel costs some ten times the oxides', so it is mapped where it is asked
    for, at a resolution of one's choice.

    Parameters
    ----------
    samples : Samples
    verdicts : sequence of Verdict
    name, version : str
        Of the card.
    level : float
        Share of stations to cover.
    method : str
        One of ``intervals.METHODS``.
    facts : mapping, optional
        More to say in the card of the training.

    Raises
    ------
    StationError
        If there are too few stations for the level.
    """
    builder = GraphBuilder(samples.camera, samples.bands_nm)
    made = [
        intervals_of(shipped(samples, v.oxide), samples, v.oxide, level=level, method=method)
        for v in verdicts
    ]
    outputs = []
    for v, ends in zip(verdicts, write_intervals(builder, made), strict=True):
        for end, row in zip(("lower", "upper"), ends, strict=True):
            builder.output(f"{v.oxide}_{end}", row)
            outputs.append(_output(f"{v.oxide}_{end}", v))
    domain = Domain.of(samples, np.arange(len(samples)))
    builder.output(DISTANCE, domain.write(builder))
    description = f"{level:.0%} prediction intervals by {method}"
    return builder.build(
        _card(samples, verdicts, outputs, name=name, version=version, limit=domain.limit,
              block_pixels=INTERVAL_BLOCK_PIXELS, description=description, facts=facts or {})
    )  # fmt: skip


def _output(quantity: str, *verdicts: Verdict) -> Output:
    """An output that is as experimental as the oxides it is made of."""
    reasons = "; ".join(verdict.reason for verdict in verdicts if verdict.reason)
    return Output(quantity, quantity, QUANTITIES[quantity].units, bool(reasons), reasons)


def _card(
    samples: Samples, verdicts: Sequence[Verdict], outputs: Sequence[Output], *, name: str,
    version: str, limit: float, block_pixels: int, description: str,
    facts: Mapping[str, Any],
) -> Card:  # fmt: skip
    return Card(
        name=name,
        camera=samples.camera,
        bands_nm=samples.bands_nm,
        outputs=tuple(outputs),
        distance_limit=limit,
        block_pixels=block_pixels,
        description=description,
        source="lunarscale, chosen at the stations by the rule of lunarscale.training.selection",
        licence="Apache-2.0",
        version=version,
        training={
            "stations": samples.digest,
            "n": {v.oxide: int(samples.rows(v.oxide).size) for v in verdicts},
            "estimated spectra": list(samples.estimated_names),
            "families": {v.oxide: v.name for v in verdicts},
            "why": {v.oxide: v.why for v in verdicts},
            **facts,
        },
        scores={v.oxide: v.figures() for v in verdicts},
    )
