"""The report page: complete, escaped, and silent on the network."""

import base64
import hashlib
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lunarscale.flags import map_flag_attributes
from lunarscale.reduce.table import Row
from lunarscale.render.figure import Illustration
from lunarscale.render.page import MethodNote, Section, write_page
from lunarscale.render.page_parts import EMBEDDED_PX
from lunarscale.render.tables import FLAG_WORDS, Table, flag_table, statistics_tables

HOSTILE = """<script>alert("x")</script>'"><img src=http://evil.example/a>&amp;"""

VOID = {"meta", "img", "link", "br"}


class Reader(HTMLParser):
    """Collects a page's text and links, and refuses tags that do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]
        self.ids += [value or "" for key, value in attrs if key == "id"]
        self.words += [value or "" for key, value in attrs if key == "alt"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def row(layer: str, group: str, **values: object) -> Row:
    numbers = dict.fromkeys(
        ("mean", "std", "min", "p2_5", "p25", "median", "p75", "p97_5", "max", "mode"), 1.2344
    )
    fixed = {
        "mode_bin_width": 0.1, "valid_area_km2": 6_230_000.4, "area_km2": 6_543_210.0,
        "valid_share": 0.95213, "valid_pixels": 123_456, "pixels": 130_000,
        "negative_share": 0.0, "extrapolated_share": 0.0, "outside_mare_share": None, "note": "",
    }  # fmt: skip
    return Row(layer, "maria", group, "wt %", **{**numbers, **fixed, **values})  # type: ignore[arg-type]


EMPTY = dict.fromkeys(("mean", "std", "min", "median", "max", "mode", "valid_share")) | {
    "valid_area_km2": 0.0,
    "valid_pixels": 0,
    "note": "no valid pixel",
}


def page_of(folder: Path, *, simulated: bool = False, name: str = "FeO") -> tuple[str, Reader]:
    picture = Illustration(folder / f"{name}.png", name, f"{name} caption", f"{name} alt", 200, 100)
    rows = [row(name, "Maria", mean=-16.85, max=1234.5), row("OMAT", name, **EMPTY)]
    areas = {"has_value": 37e6, "no_input": 12_345.6}
    path = write_page(
        folder,
        title=f"Maps {name}",
        pictures=[picture],
        tables=[*statistics_tables(rows), flag_table(name, areas, map_area_km2=37_932_328.0)],
        provenance={"version": "1.0", name: [name], "models": {"qiu": "abc123"}},
        notes=[MethodNote(f"model {name}", "text", "FeO = a θ < b", "doi 10.1038/x")],
        summary=f"About {name}",
        downloads={f"{name}.csv": "all digits"},
        simulated=simulated,
    )
    text = path.read_text("utf-8")
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return text, reader


def test_the_page_holds_every_value(tmp_path: Path) -> None:
    _, reader = page_of(tmp_path)
    text = " ".join(reader.words).replace("\N{NARROW NO-BREAK SPACE}", "")
    for value in (
        "−16.850", "1.234", "1234.500", "6230000", "6543210", "95.21", "123456", "37000000",
        "97.542", "12346", "0.033", "no valid pixel", "FeO = a θ < b", "doi 10.1038/x", "abc123",
        "1.0", "FeO caption", "FeO alt", "About FeO", "all digits", FLAG_WORDS["no_input"],
    ):  # fmt: skip
        assert value in text, value
    assert reader.words.count("–") == 7  # the layer without values


def test_layers_have_sections_in_the_contents(tmp_path: Path) -> None:
    _, reader = page_of(tmp_path)
    anchors = [link[1:] for link in reader.links if link.startswith("#")]
    assert anchors == [i for i in reader.ids if i.startswith("s")]
    assert len(anchors) == len(set(anchors)) == 5


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    _, plain = page_of(tmp_path)
    text, reader = page_of(tmp_path, name=HOSTILE.replace("/", "∕"))
    assert text.count("<script") == 1  # ours
    assert reader.tags == plain.tags
    assert any('<script>alert("x")' in words for words in reader.words)


@pytest.mark.parametrize("simulated", [False, True])
def test_nothing_comes_from_the_network(tmp_path: Path, simulated: bool) -> None:
    text, reader = page_of(tmp_path, simulated=simulated)
    assert all(re.match(r"\./[^/]|#", link) for link in reader.links), reader.links
    assert not re.search(r"https?:|url\(|@import|<link|javascript:| on\w+=", text)
    assert "default-src 'none'" in text


def test_the_policy_lets_the_pages_own_script_run_and_no_other(tmp_path: Path) -> None:
    text, _ = page_of(tmp_path)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text


def test_sections_come_first_and_in_their_order(tmp_path: Path) -> None:
    table = Table("Means", ("region", "FeO"), (("", (("Moon", "8.23"),)),))
    path = write_page(
        tmp_path,
        title="Like the paper",
        provenance={},
        notes=[],
        sections=[Section("Table 1", ("In words.", table)), Section("Figure 1", ("None.",))],
        tables=[flag_table("FeO", {"has_value": 1.0}, map_area_km2=1.0)],
    )
    text = path.read_text("utf-8")
    assert re.findall(r"<h2>(.*?)</h2>", text) == [
        "Table 1", "Figure 1", "FeO", "Models and methods", "Provenance",
    ]  # fmt: skip
    assert text.index("In words.") < text.index("<td class='number'>8.23")


def test_a_page_that_holds_its_figures_needs_no_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (300, 2400, 3), np.uint8)).save(tmp_path / "a.png")
    picture = Illustration(tmp_path / "a.png", "FeO", "caption", "alt", 2400, 300)
    path = write_page(
        tmp_path, title="One file", provenance={}, notes=[], pictures=[picture], embed=True
    )
    text = path.read_text("utf-8")
    (source,) = re.findall(r"<img src='(.*?)'", text)
    assert source.startswith("data:image/webp;base64,")
    shown = Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))
    assert shown.size == (EMBEDDED_PX, 250)
    assert "img-src 'self' file: data:" in text
    assert f"({len(text) / 1e6:.1f} MB)" in text
    assert "href='./a.png'" in text  # the full size beside it


def test_simulated_data_are_announced_first(tmp_path: Path) -> None:
    text, reader = page_of(tmp_path, simulated=True)
    assert text.index("SIMULATED DATA") < text.index("<nav")
    assert "Simulated: Maps FeO" in reader.words
    assert "simulated" not in page_of(tmp_path)[0].split("<body>")[1].lower()


def test_every_flag_of_a_map_has_words() -> None:
    meanings = str(map_flag_attributes()["flag_meanings"]).split()
    assert {"has_value", *meanings} == set(FLAG_WORDS)


def test_tables_keep_layers_and_groupings_apart() -> None:
    tables = statistics_tables([row("FeO", "a"), row("TiO2", "b"), row("FeO", "c", note="x")])
    assert [table.layer for table in tables] == ["FeO", "TiO2"]
    feo = tables[0]
    assert feo.remarks
    assert [name for name, _ in feo.sections] == ["maria"]
    assert [cells[0] for _, rows in feo.sections for cells in rows] == ["a", "c"]
    assert all(len(c) == len(feo.headings) for _, rows in feo.sections for c in rows)
    assert not tables[1].remarks
