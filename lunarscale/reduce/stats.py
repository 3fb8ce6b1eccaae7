"""The words by which statistics are asked for, and the columns and files that each stands for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from lunarscale.errors import ParametersError
from lunarscale.reduce.table import Row

#: Columns of the table of statistics that each word asks for. The last ones have files instead.
WORDS: dict[str, tuple[str, ...]] = {
    "mean": ("mean", "mean_cells", "mean_difference", "sampled_cells"),
    "std": ("std",),
    "shape": ("skewness", "excess_kurtosis"),
    "range": ("min", "max"),
    "quantiles": ("p2_5", "p25", "median", "p75", "p97_5", "quantile_error"),
    "box": (
        "p25", "median", "p75", "whisker_low", "whisker_high", "outside_whiskers_share",
        "quantile_error",
    ),
    "mode": ("mode", "mode_bin_width"),
    "modes": (),
    "histogram": (),
    "covariance": (),
    "pca": (),
}  # fmt: skip

#: What is told where nothing is asked for: every column, and no file besides.
USUAL = tuple(word for word, columns in WORDS.items() if columns)

#: Words that need products of layers, which the histograms do not hold.
OF_PRODUCTS = frozenset({"covariance", "pca"})

#: Columns that say what a row is of, and how much ground; always there.
_ALWAYS = frozenset(
    field.name for field in fields(Row)
) - frozenset(column for columns in WORDS.values() for column in columns)  # fmt: skip

#: Columns that are there only if cells were sampled.
_SAMPLED = frozenset({"mean_cells", "mean_difference", "sampled_cells"})


def read_stats(text: str) -> tuple[str, ...]:
    """The statistics that a text asks for, ``mean,std,mode``, in the order of ``WORDS``.

    ``all`` stands for all of them. Who asks for ``mode`` gets the modes' file as well.

    Raises
    ------
    ParametersError
        If a word is none of them.
    """
    asked = {word.strip() for word in text.split(",")}
    if unknown := sorted(asked - {*WORDS, "all"}):
        raise ParametersError(
            f"--stats {text}: {unknown[0]!r} is no statistic; name some of {', '.join(WORDS)}, "
            "or all"
        )
    if "mode" in asked:
        asked.add("modes")
    return tuple(word for word in WORDS if word in asked or "all" in asked)


def read_bandwidths(texts: Sequence[str], layers: Sequence[str]) -> dict[str, float]:
    """The bandwidths for modes that were given, ``FeO=0.3``, in the layers' units.

    Parameters
    ----------
    texts : sequence of str
    layers : sequence of str
        Those that there are.

    Raises
    ------
    ParametersError
        If one is not of a layer, or no width.
    """
    found = {}
    for text in texts:
        layer, _, width = text.partition("=")
        try:
            found[layer] = float(width)
        except ValueError:
            found[layer] = math.nan
        require_widths({layer: found[layer]}, layers, said=f"--bandwidth {text}")
    return found


def require_widths(
    widths: Mapping[str, float], layers: Sequence[str], *, said: str | None = None
) -> None:
    """Make sure that widths to smooth by are of layers that there are, and widths.

    Parameters
    ----------
    widths : mapping of layer to float
    layers : sequence of str
        Those that there are.
    said : str, optional
        How it was put, for the message.

    Raises
    ------
    ParametersError
        If one is not.
    """
    for layer, width in widths.items():
        if layer not in layers or not 0.0 < width < math.inf:
            raise ParametersError(
                f"{said or f'bandwidth {layer}={width:g}'}: needs a layer and a width above 0, as "
                f"{layers[0]}=0.3; the layers are {', '.join(layers)}"
            )


def needs_products(stats: Sequence[str]) -> bool:
    """Whether some statistics need products of layers (``reduce.products``)."""
    return not OF_PRODUCTS.isdisjoint(stats)


def columns_of(stats: Sequence[str], *, sampled: bool) -> list[str]:
    """Columns of the table of statistics, in the order of ``Row``.

    Parameters
    ----------
    stats : sequence of str
        Words.
    sampled : bool
        Whether cells were sampled too.
    """
    asked = _ALWAYS.union(*(WORDS[word] for word in stats))
    return [
        field.name
        for field in fields(Row)
        if field.name in asked and (sampled or field.name not in _SAMPLED)
    ]


def to_records(rows: Sequence[Row], stats: Sequence[str] = USUAL) -> list[dict[str, Any]]:
    """The rows as records of the columns that were asked for, None where there is nothing."""
    columns = columns_of(stats, sampled=any(row.sampled_cells is not None for row in rows))
    return [{name: values[name] for name in columns} for values in map(asdict, rows)]
