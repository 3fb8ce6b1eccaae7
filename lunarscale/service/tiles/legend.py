"""What a layer's colours mean: in numbers for a page, and drawn for all else."""

import io
import threading
from typing import Any

from lunarscale.render.figure import FAINT, INK, PNG_DPI, SMALL_PT, TEXT_PT, WARNING_INK, Sheet
from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.tiles.colours import Colours, colours_of, in_hex
from lunarscale.service.tiles.tilejson import attribution

#: Inches: the sheet, its margins, and the strip of colours.
_WIDTH, _HEIGHT, _SIDE, _STRIP, _FOOT = 3.6, 0.78, 0.22, 0.2, 0.26

# matplotlib's fonts and its cache of texts are not made for threads
_DRAWING = threading.Lock()


def legend(dataset: Dataset, layer: Layer, colours: Colours) -> dict[str, Any]:
    """What the colours of a layer mean.

    Parameters
    ----------
    dataset : Dataset
    layer : Layer
    colours : Colours
    """
    return {
        "dataset": dataset.name,
        "layer": layer.name,
        "title": layer.title,
        "quantity": layer.quantity,
        "unit": layer.unit,
        "remark": layer.remark,
        "palette": colours.palette,
        "min": colours.low,
        "max": colours.high,
        "colours": in_hex(colours.palette),
        "simulated": dataset.cube.layout.simulated,
        "attribution": attribution(dataset, layer),
    }


def draw_legend(dataset: Dataset, layer: Layer, colours: Colours) -> bytes:
    """The same as a PNG: a strip of the colours above their values."""
    with _DRAWING:
        sheet = Sheet(_WIDTH, _HEIGHT)
        top = _HEIGHT - 0.06
        unit = "" if layer.unit == "1" else f" ({layer.unit})"
        sheet.write(_SIDE, top, f"{layer.name}{unit}", fontweight="bold", va="top")
        told = {"ha": "right", "va": "top", "fontsize": SMALL_PT}
        if dataset.cube.layout.simulated:
            red = {"color": WARNING_INK, "fontweight": "bold"}
            sheet.write(_WIDTH - _SIDE, top, "SIMULATED DATA", **told, **red)
        else:
            sheet.write(_WIDTH - _SIDE, top, layer.title, **told, color=FAINT)
        axes = sheet.panel(_SIDE, _FOOT, width=_WIDTH - 2 * _SIDE, height=_STRIP)
        axes.imshow(
            colours_of(colours.palette)[None],
            extent=(colours.low, colours.high, 0.0, 1.0),
            aspect="auto",
            interpolation="nearest",
        )
        axes.set_yticks([])
        axes.locator_params(axis="x", nbins=6)
        axes.tick_params(axis="x", labelsize=TEXT_PT, labelcolor=INK, color=INK, length=2.5, pad=2)
        for spine in axes.spines.values():
            spine.set_linewidth(0.6)
        file = io.BytesIO()
        sheet.figure.savefig(file, format="png", dpi=PNG_DPI, metadata={"Title": layer.name})
    return file.getvalue()
