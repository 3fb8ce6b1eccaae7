"""Lunar Prospector's gamma-ray abundances: the 5 and 2 degree tables of the PDS archive.

The form is that of LP-L-GRS-5-ELEM-ABUNDANCE-V1.0 as its labels describe it: a pixel a line, its
index, its edges in degrees, mean atomic mass and neutron density, weight fractions of six oxides,
K, Th and U in ppm, and the upper triangle of their 9 x 9 error matrix. (The labels' Fortran format
says 57 numbers after the edges; there are 56.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import fsspec
import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import SourceError, TileError
from lunarscale.grid.cells import BandedCells
from lunarscale.readers.files import in_any_case, reaching, sibling
from lunarscale.readers.grs_pixels import cells_of, order_of
from lunarscale.readers.pds3 import read_label

DATA_SET = "LP-L-GRS-5-ELEM-ABUNDANCE-V1.0"

#: The nine weights, in the order of the columns and of the error matrix.
OXIDES = ("MgO", "Al2O3", "SiO2", "CaO", "TiO2", "FeO")
ELEMENTS = ("K", "Th", "U")

#: Columns: the first five place the pixel; the error matrix's upper triangle comes last.
COLUMNS = (
    *("pixel index", "minimum latitude", "maximum latitude"),
    *("minimum longitude", "maximum longitude", "atomic mass", "neutron density"),
    *OXIDES,
    *ELEMENTS,
    *(f"E[{i},{j}]" for i in range(9) for j in range(i, 9)),
)
WIDTHS = (10, *[7] * 4, *[15] * 56)
ROW_LETTERS = sum(WIDTHS)

#: wt % of a weight fraction.
PERCENT = 100.0

_ADVICE = "; give an LPGRS_HIGH1_ELEM_ABUNDANCE table, of 5 or of 2 degrees"


@dataclass(frozen=True, eq=False)
class GrsTable:
    """What a gamma-ray spectrometer saw in each of its pixels; row k is cell k of ``cells``.

    Parameters
    ----------
    name : str
        The file's name without its suffix.
    cells : BandedCells
        The pixels, band by band from the south and eastwards from 180 W.
    atomic_mass, neutron_density : ndarray of float64, (cell,)
        g/mol, and the neutron number density as the table has it (the labels call its unit g/cm3,
        which is none of a number density).
    oxides_wt_pct : mapping of str to ndarray of float64, (cell,)
        By name, MgO to FeO, in wt %: the table's weight fractions times 100.
    elements_ppm : mapping of str to ndarray of float64, (cell,)
        K, Th and U; the archive ties U to 0.27 of Th.
    errors : ndarray of float64, (cell, 9, 9)
        Covariances of the nine in the order of ``OXIDES`` and ``ELEMENTS``, in the units of these
        columns: wt % for an oxide, ppm for an element. Symmetric.
    simulated : bool
        Whether the label beside the table says that it is.
    """

    name: str
    cells: BandedCells
    atomic_mass: NDArray[np.float64]
    neutron_density: NDArray[np.float64]
    oxides_wt_pct: Mapping[str, NDArray[np.float64]]
    elements_ppm: Mapping[str, NDArray[np.float64]]
    errors: NDArray[np.float64]
    simulated: bool = False

    @property
    def thorium_ppm(self) -> NDArray[np.float64]:
        """Thorium in ppm, ``(cell,)``."""
        return self.elements_ppm["Th"]

    @property
    def pixel_deg(self) -> float:
        """Height of a band in degrees, 5 or 2: that of the tallest."""
        return float(np.diff(self.cells.edges_deg).max())

    def of(self, name: str) -> NDArray[np.float64]:
        """One of the nine by name, in wt % or ppm, ``(cell,)``.

        Raises
        ------
        SourceError
            If the table has no such column; the message lists those it has.
        """
        found = {**self.oxides_wt_pct, **self.elements_ppm}.get(name)
        if found is None:
            has = ", ".join(OXIDES + ELEMENTS)
            raise SourceError(f"{self.name}: there is no {name}; gamma rays gave {has}")
        return found

    def uncertainty(self, name: str) -> NDArray[np.float64]:
        """Standard deviation of one of the nine, ``(cell,)``: the root of the matrix's diagonal."""
        self.of(name)
        place = (OXIDES + ELEMENTS).index(name)
        return np.sqrt(self.errors[:, place, place])

    def area_mean(self, name: str) -> float:
        """Mean of one of the nine over the Moon, every pixel weighted by its area."""
        return float(np.average(self.of(name), weights=self.cells.areas_km2()))


def read_grs(path: str, *, storage_options: dict[str, Any] | None = None) -> GrsTable:
    """Read a table of gamma-ray abundances, with the label beside it where there is one.

    Parameters
    ----------
    path : str
        Path or fsspec URL of the ``.tab``.
    storage_options : dict, optional
        Options for fsspec.

    Raises
    ------
    SourceError
        If the file is not there, is truncated or of another product, if a field is no number,
        a weight no fraction of 0 to 1, or if the pixels overlap or leave gaps.
    """
    text = _text(path, storage_options)
    simulated = _label_says(path, storage_options, rows=len(text))
    numbers = _numbers(path, text)
    numbers = numbers[order_of(numbers[:, 1:5])]
    cells = cells_of(numbers[:, :5], name=PurePosixPath(urlsplit(path).path).stem, where=path)
    weights = numbers[:, 7:16]
    _check_weights(path, numbers[:, 0], weights)
    scale = np.array([PERCENT] * len(OXIDES) + [1.0] * len(ELEMENTS))
    return GrsTable(
        name=cells.name,
        cells=cells,
        atomic_mass=numbers[:, 5],
        neutron_density=numbers[:, 6],
        oxides_wt_pct={name: weights[:, k] * PERCENT for k, name in enumerate(OXIDES)},
        elements_ppm={name: weights[:, k] for k, name in enumerate(ELEMENTS, start=6)},
        errors=_mirrored(numbers[:, 16:]) * (scale[:, None] * scale),
        simulated=simulated,
    )


def _text(path: str, options: dict[str, Any] | None) -> list[str]:
    """The table's lines, each of the right length."""
    with (
        reaching(path, SourceError, advice=_ADVICE),
        fsspec.open(path, "rb", **(options or {})) as file,
    ):
        content: bytes = file.read()
    lines = content.decode("latin-1").splitlines()
    if not lines:
        raise SourceError(f"{path}: the file is empty{_ADVICE}")
    if len(lines[0]) != ROW_LETTERS:
        raise SourceError(
            f"{path}: lines of {ROW_LETTERS} letters were expected but the first has "
            f"{len(lines[0])}: this is another product, or the table's label{_ADVICE}"
        )
    for number, line in enumerate(lines, start=1):
        if len(line) != ROW_LETTERS:
            raise SourceError(
                f"{path}: line {number} should have {ROW_LETTERS} letters but has {len(line)}: "
                "the file is truncated or damaged; fetch it again"
            )
    return lines


def _label_says(path: str, options: dict[str, Any] | None, *, rows: int) -> bool:
    """Whether the label beside a table calls it simulated; False where there is none.

    Raises
    ------
    SourceError
        If the label is of another product, or promises another number of lines.
    """
    stem = PurePosixPath(urlsplit(path).path).stem
    try:
        beside = in_any_case(sibling(path, "x"), [f"{stem}.lbl"], options)
        if beside is None:
            return False
        label, _ = read_label(beside, options)
        data_set = label.text("DATA_SET_ID")
        promised = label.block("TABLE").integer("ROWS")
        producer = str(label.values.get("PRODUCER_INSTITUTION_NAME"))
    except TileError as error:
        raise SourceError(str(error)) from error
    if data_set != DATA_SET:
        raise SourceError(f"{beside}: data set {DATA_SET} was expected but it is {data_set}")
    if promised != rows:
        raise SourceError(
            f"{path}: its label promises {promised:,} lines but it has {rows:,}; fetch it again"
        )
    return "SIMULATION" in producer.upper()


def _numbers(path: str, lines: list[str]) -> NDArray[np.float64]:
    """All fields as numbers, ``(line, column)``."""
    ends = np.cumsum(WIDTHS).tolist()
    fields = list(zip([0, *ends[:-1]], ends, strict=True))
    numbers = np.empty((len(lines), len(fields)))
    for row, line in enumerate(lines):
        for column, (start, stop) in enumerate(fields):
            try:
                numbers[row, column] = float(line[start:stop])
            except ValueError as error:
                raise SourceError(
                    f"{path}: line {row + 1} has '{line[start:stop].strip()}' as its "
                    f"{COLUMNS[column]}, which is no number; fetch the table again"
                ) from error
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        row, column = bad[0]
        raise SourceError(
            f"{path}: line {row + 1} has {numbers[row, column]} as its {COLUMNS[column]}, which "
            "is no finite number; fetch the table again"
        )
    return numbers


def _check_weights(path: str, index: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
    """Make sure that oxides are fractions and that no element is below zero."""
    most = np.array([1.0] * len(OXIDES) + [np.inf] * len(ELEMENTS))
    bad = np.argwhere((weights < 0.0) | (weights > most))
    if len(bad):
        row, column = bad[0]
        promised = "a fraction from 0 to 1" if column < len(OXIDES) else "0 ppm or more"
        raise SourceError(
            f"{path}: pixel {index[row]:.0f} has {weights[row, column]:g} of "
            f"{(OXIDES + ELEMENTS)[column]} where {promised} was expected; fetch the table again"
        )


def _mirrored(triangle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Symmetric matrices from their upper triangles, row by row: (cell, 45) to (cell, 9, 9)."""
    rows, cols = np.triu_indices(9)
    full = np.empty((len(triangle), 9, 9))
    full[:, rows, cols] = triangle
    full[:, cols, rows] = triangle
    return full
