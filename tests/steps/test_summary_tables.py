"""The statistics' tables on a terminal: whole at 80 columns, with figures as the papers print."""

import io
from unittest.mock import Mock

import pytest
from rich.console import Console, Group, RenderableType

from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.table import Row
from lunarscale.steps.summarising.tables import means_table, rows_table, summary_tables

GROUPS = ("Moon", "maria", "Mare Humboldtianum", "Oceanus Procellarum")


def row(layer: str, group: str, mean: float | None) -> Row:
    """A row whose figures are as long as they come."""
    units = QUANTITIES[layer.split("_")[0]].units
    figure = None if mean is None else -20.744 if units == "wt %" else -0.1234
    return Row(
        layer, "seas", group, units, mean=mean, std=figure, min=figure, p2_5=figure, p25=figure,
        median=figure, p75=figure, p97_5=figure, max=figure, mode=figure, mode_bin_width=0.1,
        valid_area_km2=0.0 if mean is None else 37_932_328.0, area_km2=37_932_328.0,
        valid_share=0.0 if mean is None else 1.0, valid_pixels=1, pixels=1, negative_share=None,
        extrapolated_share=None, outside_mare_share=None, note="" if mean else "no valid pixel",
    )  # fmt: skip


ROWS = [
    *(row("FeO", group, 8.2251) for group in GROUPS),
    *(row("OMAT_lucey_2000", group, 0.22249) for group in GROUPS[:-1]),
    row("OMAT_lucey_2000", GROUPS[-1], None),
]


def printed(table: RenderableType, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    return str(text)


@pytest.mark.parametrize("width", [80, 120])
def test_rows_stand_whole_on_a_line(width: int) -> None:
    lines = printed(rows_table(ROWS), width).splitlines()
    assert lines[0].strip() == "FeO, wt %"
    for group in GROUPS:
        iron, maturity = (line for line in lines if line.strip().startswith(f"{group} "))
        assert iron.split()[-7:] == [
            "8.23", "-20.74", "-20.74", "-20.74", "-20.74", "37,932,328", "100.0",
        ]  # fmt: skip
        if group != GROUPS[-1]:
            assert maturity.split()[-7:-5] == ["0.222", "-0.123"]
    assert maturity.split()[-7:] == ["–", "–", "–", "–", "–", "0", "0.0"]


def test_a_narrow_terminal_folds_names_and_keeps_figures() -> None:
    text = printed(rows_table(ROWS), 66)
    assert text.count("37,932,328") == len(ROWS) - 1


@pytest.mark.parametrize("width", [70, 120])
def test_means_are_a_row_a_layer(width: int) -> None:
    lines = [
        line.split() for line in printed(means_table(ROWS[:2] + ROWS[4:6]), width).splitlines()
    ]
    assert ["layer", "Moon", "maria", "units"] in lines
    assert ["FeO", "8.23", "8.23", "wt", "%"] in lines
    assert ["OMAT_lucey_2000", "0.222", "0.222"] in lines


def test_a_group_without_a_valid_pixel_says_so_beneath_its_table() -> None:
    assert "Oceanus Procellarum: no valid pixel." in printed(rows_table(ROWS), 80)


def test_of_thousands_of_groups_the_first_are_shown_and_the_others_counted() -> None:
    results = Mock(rows=[row("FeO", f"band {i}", 8.0) for i in range(1800)])
    text = printed(Group(*summary_tables(results)), 80)
    assert "band 99" in text
    assert "band 100" not in text
    assert "In the files: 1,700 more groups." in text
