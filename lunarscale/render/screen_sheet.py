"""A screened polar cap on one sheet: both maps, FeO against Mg#, and what the choices do."""

from pathlib import Path

from lunarscale.render.figure import TITLE_PT, Illustration, Sheet
from lunarscale.render.joint_plot import JointPlot, draw_joint_panels
from lunarscale.render.polar_screen import (
    CAP_HEIGHT,
    CAP_WIDTH,
    ScreenMap,
    draw_cap,
    without_labels,
)
from lunarscale.render.screen_sensitivity import ScreenSensitivity, draw_choices

#: Inches: the head, the joint plot's lower left corner and edge, and its height with the margin.
_HEAD, _JOINT, _EDGE = 0.75, (0.75, 1.65), 3.9
_LOWER = _JOINT[1] + 1.25 * _EDGE + 0.6

#: Inches: left, bottom, width and height of the areas by share and by thresholds.
_CHOICES = ((7.05, 4.35, 3.7, 2.25), (7.05, 0.75, 3.3, 2.75))


def draw_screen_sheet(
    cap: ScreenMap,
    joint: JointPlot,
    choices: ScreenSensitivity,
    *,
    path: Path,
    title: str,
    simulated: bool = False,
) -> Illustration:
    """Draw all panels as PNG and, beside it, as SVG.

    Parameters
    ----------
    cap : ScreenMap
    joint : JointPlot
    choices : ScreenSensitivity
    path : Path
        PNG to write; the SVG gets its name with ``.svg``.
    title : str
        Of the figure; those of its parts are not printed.
    simulated : bool
        Whether to mark the figure as simulated data.
    """
    sheet = Sheet(CAP_WIDTH, _LOWER + CAP_HEIGHT + _HEAD)
    sheet.head(title, cap.lines, left=0.6, simulated=simulated)
    left_out = draw_cap(sheet, cap, bottom=_LOWER)
    draw_joint_panels(sheet, joint, at=_JOINT, edge=_EDGE)
    draw_choices(sheet, choices, _CHOICES)
    high = _LOWER + CAP_HEIGHT - 0.18
    letters = (
        (0.35, high), (5.95, high), (0.2, _LOWER - 0.45), (6.2, 6.72), (6.2, 3.62),
    )  # fmt: skip
    for letter, (x, y) in zip("abcde", letters, strict=True):
        sheet.write(x, y, letter, fontsize=TITLE_PT, fontweight="bold", va="center")
    size, vector = sheet.save(path, title=title)
    caption = (
        f"{title}. (a) FeO at the centres of the cells, named features circled; grey: no value. "
        f"(b) Cells {cap.labels[0]}; {cap.labels[1]}.{without_labels(left_out)} (c) "
        f"{joint.labels[1]} against {joint.labels[0]}: contours hold shares of the area of the "
        f"{joint.names[0]}, colours count {joint.names[1]}; dashed: the thresholds; margins: share "
        f"of each per bin. (d) Area by the share of the maria that is compared; dashed: the one "
        f"chosen. (e) Area that passes by both thresholds; cross: those chosen."
    )
    alt = (
        f"Polar maps of FeO and of cells that pass, {joint.labels[1]} against {joint.labels[0]} "
        "with margins, and areas by the choices made"
    )
    return Illustration(path, "screen_pole", caption, alt, *size, vector)
