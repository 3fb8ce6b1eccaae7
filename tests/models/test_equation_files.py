"""Files of equations: what is written comes back, anything else is refused in a sentence."""

import copy
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.errors import ModelError
from lunarscale.models.files import (
    EquationFile,
    read_equation_file,
    read_equations,
    write_equations,
)
from lunarscale.models.laws import AnglePower
from lunarscale.models.registry import BUILT_IN

CLEMENTINE = tuple(e for e in BUILT_IN.values() if e.camera == "clementine-uvvis")


@pytest.mark.parametrize("camera", ["clementine-uvvis", "kaguya-mi"])
def test_equations_come_back_with_their_digests(camera, tmp_path):
    written = tuple(e for e in BUILT_IN.values() if e.camera == camera)
    facts = {written[0].name: {"n": 47, "estimated": ["Chang'e-6"], "r2": 0.95}}
    write_equations(tmp_path / "m.json", EquationFile(written, facts))
    found = read_equation_file(tmp_path / "m.json")
    assert found.equations == written
    assert [e.digest for e in found.equations] == [e.digest for e in written]
    assert found.training[written[0].name] == facts[written[0].name]
    assert found.training[written[1].name] == {}
    assert found.software.startswith("lunarscale ")
    assert [p.name for p in tmp_path.iterdir()] == ["m.json"]


@given(
    st.integers(0, 200), st.integers(0, 1999), st.floats(0.5, 50.0), st.floats(4.0, 6.0),
)  # fmt: skip
def test_any_fitted_law_comes_back(tmp_path_factory, x0, y0, a, p):
    law = AnglePower(x0 / 1000, y0 / 1000, a / 10, p)
    equation = dataclasses.replace(BUILT_IN["qiu-2025-tio2"], law=law, name="calibrated-9-tio2")
    path = tmp_path_factory.mktemp("files") / "m.json"
    write_equations(path, EquationFile((equation,)))
    assert read_equations(path) == (equation,)


def test_a_law_that_cannot_be_mapped_is_not_written(tmp_path):
    law = AnglePower(0.0, 0.4, 5.0, 1.5)
    equation = dataclasses.replace(BUILT_IN["qiu-2025-tio2"], law=law)
    with pytest.raises(ModelError, match=r"power 1\.5 is .* from its polynomial"):
        write_equations(tmp_path / "m.json", EquationFile((equation,)))
    assert not list(tmp_path.iterdir())


def test_what_is_no_json_is_not_written(tmp_path):
    facts = {CLEMENTINE[0].name: {"r2": float("nan")}}
    with pytest.raises(ValueError, match="JSON"):
        write_equations(tmp_path / "m.json", EquationFile(CLEMENTINE, facts))


@pytest.fixture
def told(tmp_path):
    write_equations(tmp_path / "m.json", EquationFile(CLEMENTINE[:2]))
    return json.loads((tmp_path / "m.json").read_text())


def change(told, *path, to):
    made = copy.deepcopy(told)
    place = made
    for key in path[:-1]:
        place = place[key]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return made


FIRST = ("equations", 0)

FAULTS = [
    (("format",), "geojson", "its format is 'geojson'"),
    (("format",), None, "its format is None"),
    (("format_version",), 2, "has format version 2 but this lunarscale reads 1"),
    (("equation",), [], "has the key 'equation'.*did you mean equations"),
    (("equations",), {}, "equations is a mapping but should be a list"),
    (("equations",), [], "should be a list of at least one equation"),
    (("equations", 1), 7, r"equations\[1\] is a number \(7\)"),
    ((*FIRST, "law"), None, r"equations\[0\] lacks law"),
    ((*FIRST, "source"), None, "lacks source"),
    ((*FIRST, "colour"), "red", "has the key 'colour'"),
    ((*FIRST, "camera"), "hubble", "camera is text .'hubble'. but should be clementine-uvvis or"),
    ((*FIRST, "quantity"), "Fe0", "quantity is text .'Fe0'. but should be one of FeO"),
    ((*FIRST, "name"), "a/b", "should be 1 to 80 letters, digits"),
    ((*FIRST, "name"), "..", "should be 1 to 80 letters, digits"),
    ((*FIRST, "name"), "a\n\0", "should be 1 to 80 letters, digits"),
    ((*FIRST, "law", "a"), 10**400, r"a is a number \(1000+…\) but should be a finite number"),
    ((*FIRST, "law", "a"), 1e308, "law: a is 1e.308, but maps are computed in float32"),
    ((*FIRST, "bands_nm"), [750], "should be two of the bands 415, 750"),
    ((*FIRST, "bands_nm"), [750, 750], "should be two of the bands"),
    ((*FIRST, "bands_nm"), [750.0, 950], "should be two of the bands"),
    ((*FIRST, "bands_nm"), ["750", 950], "should be two of the bands"),
    ((*FIRST, "fitted_range"), [0.4, 0.05], "two reflectances between 0 and 1"),
    ((*FIRST, "fitted_range"), [5, 40], "two reflectances between 0 and 1"),
    ((*FIRST, "mare_only"), "no", "mare_only is text .'no'. but should be true or false"),
    ((*FIRST, "training"), [], "training is a list but should be a mapping"),
    ((*FIRST, "law"), "line", "its kind is None, but laws are AngleLine"),
    ((*FIRST, "law", "kind"), "Spline", "its kind is 'Spline', but laws are AngleLine"),
    ((*FIRST, "law", "a"), None, "law lacks a"),
    ((*FIRST, "law", "a"), "24", "a is text .'24'. but should be a finite number"),
    ((*FIRST, "law", "q"), 1.0, "has the key 'q'"),
    ((*FIRST, "law", "sign"), 0, "sign is a number .0. but should be -1 or 1"),
    ((*FIRST, "law", "y0"), 1.18805, "law: an origin's y0 is a multiple of 0.0001"),
    (("equations", 1, "law", "p"), 0.5, "from its polynomial"),
    (("equations", 1, "name"), "qiu-2025-feo", "two equations have one name"),
]


@pytest.mark.parametrize(("path", "to", "message"), FAULTS)
def test_faults_are_told(told, tmp_path, path, to, message):
    (tmp_path / "bad.json").write_text(json.dumps(change(told, *path, to=to)))
    with pytest.raises(ModelError, match=message) as caught:
        read_equations(tmp_path / "bad.json")
    assert str(caught.value).startswith(str(tmp_path / "bad.json"))
    assert "\n" not in str(caught.value)


def test_cameras_are_not_mixed(tmp_path):
    mixed = (CLEMENTINE[0], BUILT_IN["otake-2012-theta-fe"])
    write_equations(tmp_path / "m.json", EquationFile(mixed))
    with pytest.raises(ModelError, match=r"several cameras .clementine-uvvis, kaguya-mi"):
        read_equations(tmp_path / "m.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"nope", b"[" * 99_999])
def test_no_json(content, tmp_path):
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(ModelError, match="this is not JSON"):
        read_equations(tmp_path / "m.json")


def test_no_file(tmp_path):
    with pytest.raises(ModelError, match="there is no such file"):
        read_equations(tmp_path / "m.json")


def test_other_json(tmp_path):
    (tmp_path / "m.json").write_text("[1, 2]")
    with pytest.raises(ModelError, match="is a list but should be a mapping"):
        read_equations(tmp_path / "m.json")


def test_numbers_that_are_no_numbers_are_refused(told, tmp_path):
    text = json.dumps(told).replace("24.77", "NaN")
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ModelError, match=r"a is a number .nan. but should be a finite number"):
        read_equations(tmp_path / "m.json")
