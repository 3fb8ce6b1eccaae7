"""Report like Qiu et al. 2025: the run, and the page with all of its tables and figures."""

from pathlib import Path
from typing import Any

from lunarscale.engine.executors import Executor
from lunarscale.engine.run import Execute, complain, shown_to_nobody
from lunarscale.render.figure import Illustration
from lunarscale.render.labels import number
from lunarscale.render.page import MethodNote, Section, write_page
from lunarscale.render.page_parts import Entry
from lunarscale.steps.reporting.figures import draw_differences, draw_maps
from lunarscale.steps.reporting.like import LIKE, Finding, Question, ask, finding_of, prepare
from lunarscale.steps.reporting.modes import modes_table
from lunarscale.steps.reporting.origins import notes_of, provenance_of
from lunarscale.steps.reporting.pole import (
    FOLDER,
    pole_tables,
    pole_words,
    screen,
    write_pole,
)
from lunarscale.steps.reporting.prospector import WORDS, compare_with_grs, grs_table, write_grs
from lunarscale.steps.reporting.published import PAPER, SOURCE
from lunarscale.steps.reporting.tables import (
    RECORD_COLUMNS,
    layers_table,
    ranges_table,
    records,
    table_1,
    weighings_table,
)
from lunarscale.steps.saving import save_table
from lunarscale.steps.screening.finding import Finding as PoleFinding
from lunarscale.steps.summarise import Summary

_CELLS = (
    "The paper takes its means over sampling cells (its eq 8): bands of 0.15 degrees of latitude, "
    "each cut from −180° eastwards into round(360° / Δλ) equal cells, 16\u202f858\u202f820 in all; "
    "a cell "
    "has the value of the pixel that holds its centre, and belongs to a region by its centre. "
    "Beside them stand exact means: every pixel weighs its true area on the sphere of 1737.4 km, "
    "in integer sums that do not depend on how the work was divided."
)
_MODES = (
    "A mode is a maximum of the area's density by value, smoothed with a Gaussian kernel whose "
    "bandwidth follows the data (a plug-in rule, then one of its own for every mode); those that "
    "stand less than 2 % of the highest above their surroundings, or less than four standard "
    "errors, are left out. The interval is how far a mode moves as its bandwidth goes from half to "
    "twice, and two standard errors more on either side, as if pixels were independent: "
    "neighbours are alike, so that a mode made by few patches of ground is less firm than that. "
    "The paper does not say how it finds its modes."
)
_DIFFERENCES = (
    "Differences are taken pixel by pixel in whole counts of the maps' quantum (0.005 wt %) where "
    "both maps have a value. The middle 95 % lies between the 2.5 and 97.5 % quantiles of the "
    "area. Slope, r and RMSE follow from exact sums of products over the whole Moon; densities "
    "are of bins of 0.1 wt %, and TiO2 is shown where both maps have 1 wt % or more."
)


def report_like(
    maps: str, *, out: str, like: str = LIKE[0], mare: str | None = None, grs: str | None = None,
    executor: Executor | None = None, storage_options: dict[str, Any] | None = None,
) -> Path:  # fmt: skip
    """Every table and figure of a paper from finished maps, as one HTML page.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps.
    out : str
        Folder for ``index.html``, figures at full size and the numbers behind them.
    like : str
        One of ``LIKE``.
    mare : str, optional
        A mask or polygons of the maria; the seas as circles if none.
    grs : str, optional
        A table of Lunar Prospector's gamma-ray abundances to compare with.
    executor : Executor, optional
    storage_options : dict, optional

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ParametersError
        If there is no such report.
    StoreError
        If the maps are not finished, or have none of the paper's columns.
    IncompleteError
        If some shards cannot be read.
    """
    asked = ask(maps, like=like, mare=mare, grs=grs, storage_options=storage_options)
    return make(asked, out, shown_to_nobody(executor))


def make(asked: Question, out: str, execute: Execute) -> Path:
    """Run the passes of a report and write its page.

    Parameters
    ----------
    asked : Question
    out : str
        Folder.
    execute : callable
        Runs a prepared step.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    tale = execute("report", prepare(asked))
    complain(tale, asked.cube.location.url)
    finding = finding_of(asked, tale)
    pole = screen(asked, execute)
    downloads = _write_tables(finding, folder)
    figures = {
        **{place: draw_maps(finding, folder, figure=place) for place in (1, 3)},
        **{place: draw_differences(finding, folder, figure=place) for place in (2, 4)},
    }
    polar, prospector = _polar(pole, folder), _prospector(finding, folder)
    downloads |= {name: what for name, what in _FILES.items() if (folder / name).exists()}
    return write_page(
        folder,
        title=f"Chemistry of the Moon, after {PAPER}",
        summary=_lead(finding),
        sections=[
            *_tables(finding),
            *_figures(figures),
            polar,
            *prospector,
            Section("Two weighings", (_CELLS, weighings_table(finding))),
        ],
        provenance=_provenance(asked),
        notes=_notes(asked),
        downloads=downloads,
        simulated=asked.cube.layout.simulated,
        embed=True,
    )


_FILES = {
    "figure_1_maps.parquet": "Figure 1: its maps, one row a pixel as drawn",
    "figure_1_histograms.csv": "Figure 1: its histograms",
    "figure_2_maps.parquet": "Figure 2: its difference maps, one row a pixel as drawn",
    "figure_2_histograms.csv": "Figure 2: its histograms",
    "figure_2_densities.csv": "Figure 2: its probability densities",
    "figure_2_boxes.csv": "Figure 2: box plots of every region",
    "figure_3_maps.parquet": "Figure 3: its maps, one row a pixel as drawn",
    "figure_3_histograms.csv": "Figure 3: its histograms",
    "figure_4_maps.parquet": "Figure 4: its difference maps, one row a pixel as drawn",
    "figure_4_histograms.csv": "Figure 4: its histograms",
    "figure_4_densities.csv": "Figure 4: its probability densities",
    "figure_4_boxes.csv": "Figure 4: box plots of every region",
    f"{FOLDER}/screening.csv": "Figure 5: areas of the screening",
    f"{FOLDER}/joint.csv": "Figure 5: FeO against Mg#, by bins",
    f"{FOLDER}/candidates.parquet": "Figure 5: cells that pass",
    f"{FOLDER}/patches.csv": "Figure 5: connected patches",
    f"{FOLDER}/patches.geojson": "Figure 5: outlines of the patches",
    f"{FOLDER}/sensitivity.csv": "Figure 5: areas by thresholds",
}


def _write_tables(finding: Finding, folder: Path) -> dict[str, str]:
    """The tables as files; returns what each holds."""
    save_table(folder / "table_1.csv", RECORD_COLUMNS, records(finding))
    Summary(finding.area, list(finding.rows)).write(str(folder))
    return {
        "table_1.csv": "Table 1 in full: every region and column, weighed both ways",
        "statistics.csv": "every statistic of every layer and difference, one row a region",
        "statistics.json": "the same for programs",
    }


def _tables(finding: Finding) -> list[Section]:
    asked = finding.question
    told = [
        f"Rows as in the paper ({SOURCE}), ours at the same sampling cells. {asked.outlines}",
        *asked.lacking,
    ]
    ranges = [ranges_table(finding)] if asked.compared else []
    return [
        Section("Table 1", (*told, table_1(finding), layers_table(finding))),
        Section("Modes and differences", (modes_table(finding), *ranges)),
    ]


def _figures(figures: dict[int, Illustration | None]) -> list[Section]:
    lacking = "The maps lack the layers of this figure; see what is missing under Table 1."
    return [Section(f"Figure {n}", (figures[n] or lacking,)) for n in sorted(figures)]


def _polar(pole: PoleFinding | str, folder: Path) -> Section:
    heading = "Figure 5: south pole"
    if isinstance(pole, str):
        return Section(heading, (pole,))
    drawn = write_pole(pole, folder)
    return Section(heading, (drawn, *pole_tables(pole), *pole_words(pole)))


def _prospector(finding: Finding, folder: Path) -> list[Section]:
    table = finding.question.grs
    if table is None or finding.grs is None:
        return []
    found = compare_with_grs(finding, table, finding.grs)
    if not found:
        words = "The maps have values in at least half of none of the spectrometer's pixels."
        return [Section("Lunar Prospector", (words,))]
    return [Section("Lunar Prospector", (WORDS, grs_table(found), *write_grs(found, folder)))]


def _notes(asked: Question) -> list[MethodNote]:
    # the general note of the plain report speaks of its own tables
    models = notes_of(asked.layers)
    return [
        *models,
        MethodNote(
            "Sampling cells and areas",
            _CELLS,
            "Δλ = A / (R² Δφ cos φ), A = 2.25 km², Δφ = 0.15°",
            SOURCE,
        ),
        MethodNote("Modes", _MODES),
        MethodNote("Differences", _DIFFERENCES),
        MethodNote(
            "Before and after Chang'e-6",
            "The paper does not print the coefficients of its calibration before Chang'e-6. Ours "
            "are of one search on the same stations without and with that one; they stand for "
            "the paper's before and after, and are not the same equations.",
        ),
    ]


def _provenance(asked: Question) -> dict[str, Entry]:
    made: dict[str, Entry] = provenance_of(asked.cube)
    made["compared with"] = SOURCE
    made["maria"] = asked.mare or "the seas as circles"
    if asked.grs is not None:
        made["Lunar Prospector"] = asked.grs.name
    return made


def _lead(finding: Finding) -> str:
    asked, grid = finding.question, finding.question.cube.grid
    have = sum(found.layer is not None for found in asked.columns[:11])
    return (
        f"{have} of the paper's 11 columns, from maps of {number(grid.width, 0)} × "
        f"{number(grid.height, 0)} pixels by {asked.cube.layout.camera_facts.title}, "
        f"{grid.around / 360:.3f} pixels a degree."
    )
