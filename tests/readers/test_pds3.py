"""The label parser: real labels, every form of a value, and one sentence for each fault."""

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.errors import TileError
from lunarscale.readers.label import Label, Pointer, Quantity
from lunarscale.readers.pds3 import LONGEST_LABEL, parse_label, read_label


def parse(body: str) -> Label:
    return parse_label(body + "\nEND\n", "x.lbl")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("7", 7),
        ("-0.5", -0.5),
        ("1.350000E-04", 1.35e-4),
        ("2e-05", 2e-5),
        ("1737400.", 1737400.0),
        ("2#1111#", 15),
        ("16#fF#", 255),
        ("2#3#", "2#3#"),
        ("N/A", "N/A"),
        ("'N/A'", "N/A"),
        ('"N/A"', "N/A"),
        ('"03"', "03"),
        ('""', ""),
        ("1999-01-27T16:10:29", "1999-01-27T16:10:29"),
        ("MI_MAP_03_N51E124.img", "MI_MAP_03_N51E124.img"),
        ('"DEEP SPACE\r\n      EXPERIMENT"', "DEEP SPACE EXPERIMENT"),
        ('"/* no comment */ END"', "/* no comment */ END"),
        ("4 <pix/deg>", Quantity(4, "pix/deg")),
        ("(1, 2)", (1, 2)),
        ("(1, 2) <KM>", Quantity((1, 2), "KM")),
        ("()", ()),
        ('{"A", B,\n "A"}', frozenset({"A", "B"})),
        ("((1, 2), (3,\n 4))", ((1, 2), (3, 4))),
        ("(1 <1/(W/m**2)>, 2\n <nm>)", (Quantity(1, "1/(W/m**2)"), Quantity(2, "nm"))),
        ("5 /* five */", 5),
    ],
)
def test_values(written: str, value: object) -> None:
    found = parse(f"A = 1\nkey = {written}\nZ = 2").values
    assert found == {"A": 1, "KEY": value, "Z": 2}
    assert type(found["KEY"]) is type(value)


def test_blocks_nest_and_repeat() -> None:
    label = parse(
        "OBJECT = TABLE\n BEGIN_OBJECT = COLUMN\n N = 1\n END_OBJECT\n"
        " Object = COLUMN\n N = 2\n End_Object = COLUMN\nEND_OBJECT = TABLE\n"
        "GROUP = g\n N = 3\nEND_GROUP = G"
    )
    assert [block.name for block in label.walk()] == ["", "TABLE", "COLUMN", "COLUMN", "G"]
    assert [column.integer("N") for column in label.block("TABLE").blocks] == [1, 2]
    assert label.block("G").integer("N") == 3


@pytest.mark.parametrize(
    ("written", "pointer"),
    [
        ("3", Pointer(None, 200)),
        ("19803 <BYTES>", Pointer(None, 19802)),
        ('"A.IMG"', Pointer("A.IMG", 0)),
        ('("A.IMG", 3)', Pointer("A.IMG", 200)),
        ("(A.IMG, 1 <BYTES>)", Pointer("A.IMG", 0)),
    ],
)
def test_pointers(written: str, pointer: Pointer) -> None:
    assert parse(f"RECORD_BYTES = 100\n^IMAGE = {written}").pointer("IMAGE") == pointer


@pytest.mark.parametrize("written", ["0", "2.5", "(3, 4)", '("A", "B")', "(1, 2, 3)", "-1 <BYTES>"])
def test_a_pointer_to_nowhere_is_refused(written: str) -> None:
    with pytest.raises(TileError, match=r"\^IMAGE should be a place counted from 1 but"):
        parse(f"RECORD_BYTES = 100\n^IMAGE = {written}").pointer("IMAGE")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A = 1", "line 1 of the label should have a keyword but has the end of the file"),
        ("A 1\nEND", "line 1 of the label should have '=' but has '1'"),
        ("A = 1\nB = \nEND", "line 3 of the label should have"),
        ('A = "open\nEND', "should have a value but has"),
        ("A = (1, 2\nEND\n", "should have ',' but has 'END'"),
        ("A = (1 2)\nEND", "should have ',' but has '2'"),
        ("OBJECT = A\nEND", "should have END_OBJECT = A but has 'END'"),
        ("OBJECT = A\nEND_OBJECT = B\nEND", "should have END_OBJECT = A but has 'B'"),
        ("OBJECT = A\nEND_GROUP = A\nEND", "should have END_OBJECT = A but has 'END_GROUP'"),
        ("END_OBJECT = A\nEND", "should have a keyword or END but has 'END_OBJECT'"),
        ("A = BAND SEQUENTIAL\nEND", "should have '=' but has"),
        ("A = 1\nA = 2\nEND", "gives A twice, as 1 and as 2"),
        ("A = " + 5000 * "(", "nests its parentheses"),
        ("", "has the end of the file"),
    ],
)
def test_a_malformed_label_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(TileError) as caught:
        parse_label(text, "x.lbl")
    assert str(caught.value).startswith("x.lbl: ")
    assert message in str(caught.value)


def test_a_keyword_repeated_alike_is_kept_once() -> None:
    assert parse("A = 1\nA = 1").values == {"A": 1}


def test_getters_name_keyword_promise_and_find() -> None:
    label = parse("T = MOON\nR = 1737400 <m>\nW = (1, two)\nOBJECT = IMAGE\nEND_OBJECT = IMAGE")
    for get, message in (
        (lambda: label.integer("T"), "T should be an integer but the label has 'MOON'"),
        (lambda: label.text("W"), "W should be a text but the label has (1, 'two')"),
        (
            lambda: label.number("R", units=("km",)),
            "R should be a number in km but the label has 1",
        ),
        (lambda: label.numbers("W"), "W should be a list of numbers"),
        (lambda: label.numbers("T"), "T should be a list of numbers"),
        (lambda: label.integer("LINES"), "the label has no LINES"),
        (lambda: label.block("IMAGE").integer("LINES"), "no LINES in its OBJECT = IMAGE"),
        (lambda: label.block("QUBE"), "the label has no OBJECT = QUBE"),
        (lambda: label.pointer("IMAGE"), "the label has no ^IMAGE"),
    ):
        with pytest.raises(TileError) as caught:
            get()
        assert str(caught.value).startswith("x.lbl: ")
        assert message in str(caught.value)
    assert label.number("R", units=("m",)) == 1737400.0


def test_the_kaguya_label(test_data) -> None:
    path = test_data("kaguya_mi/MI_MAP_03_N51E124N50E125SC_cropped.lbl")
    label, label_bytes = read_label(str(path))
    assert label_bytes == path.read_bytes().rstrip()
    assert label.pointer("GEOMETRIC_DATA_ALTITUDE").file == "MI_MAP_03_N51E124N50E125SC.img"
    assert label.pointer("IMAGE") == Pointer("MI_MAP_03_N51E124N50E125SC_cropped.img", 0)
    assert label.numbers("CENTER_FILTER_WAVELENGTH")[-1] == 1548.0
    assert label.block("IMAGE").numbers("INVALID_VALUE") == (-20000, -21000, -22000, -23000)
    assert label.block("GEOMETRIC_DATA_ALTITUDE").text("SAMPLE_TYPE") == "IEEE_REAL"
    projection = label.block("IMAGE_MAP_PROJECTION")
    assert projection.number("A_AXIS_RADIUS", units=("km",)) == 1737.4
    assert projection.number("LINE_PROJECTION_OFFSET") == 51 * 2048
    coefficients = label.block("PROCESSING_PARAMETERS").value("REF_CNV_COEF")
    assert coefficients[1] == Quantity(0.002450451, "1/(W/m**2/micron/sr)")


def test_the_lola_label(test_data) -> None:
    label, _ = read_label(str(test_data("lola/LDEM_4.LBL")))
    assert label.pointer("IMAGE") == Pointer("LDEM_4.IMG", 0)
    assert label.block("IMAGE").number("OFFSET") == 1737400.0
    assert label.block("IMAGE_MAP_PROJECTION").number("MAP_RESOLUTION") == 4.0
    assert "SCIENCE MISSION" in label.value("MISSION_PHASE_NAME")


def test_the_gravity_label_repeats_its_columns(test_data) -> None:
    label, _ = read_label(str(test_data("gravity/jgl165p1.lbl")))
    columns = label.block("SHADR_COEFFICIENTS_TABLE").blocks
    assert [column.integer("START_BYTE") for column in columns] == [1, 7, 13, 37, 61, 85]


def test_the_archives_example_label(test_data) -> None:
    text = test_data("clementine_dim/uvvis_volinfo.txt").read_text("latin-1")
    label = parse_label(text[text.index("PDS_VERSION_ID                 = PDS3") :], "volinfo.txt")
    assert label.pointer("IMAGE") == Pointer(None, 7376)
    assert label.text("MISSION_NAME") == "DEEP SPACE PROGRAM SCIENCE EXPERIMENT"
    assert label.block("IMAGE").integer("SAMPLE_BIT_MASK") == 0xFFFF


def test_a_label_longer_than_the_first_block(tmp_path) -> None:
    path = tmp_path / "long.lbl"
    label = 'NOTE = "' + 9000 * "END\n" + '" /* " \nEND\n */\nLAST = 1\nEND'
    path.write_bytes(label.encode() + b"\r\n" + 50_000 * b"\xff")
    found, label_bytes = read_label(str(path))
    assert found.integer("LAST") == 1
    assert label_bytes == label.encode()


@pytest.mark.parametrize("cut", range(16384 - 12, 16384 + 3))
def test_an_end_across_the_first_block(tmp_path, cut: int) -> None:
    path = tmp_path / "cut.lbl"
    head = "OBJECT = A\nN = 1"
    path.write_bytes(head.encode().ljust(cut) + b"\nEND_OBJECT = A\nEND")
    assert read_label(str(path))[0].block("A").integer("N") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\x00\x01" * 4000, "a PDS3 label should begin with a line KEYWORD = VALUE"),
        (b"\x89PNG = ", "a PDS3 label should begin"),
        (b"A = 1\nB = 2\n", "should close with END but the first 12 bytes have none"),
        (b"A = 1\n" + bytes(2 * LONGEST_LABEL), "should close with END but the first 1,048,576"),
    ],
)
def test_what_is_no_label(tmp_path, content: bytes, message: str) -> None:
    path = tmp_path / "x.img"
    path.write_bytes(content)
    with pytest.raises(TileError) as caught:
        read_label(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_missing_file(tmp_path) -> None:
    with pytest.raises(TileError, match=r"x\.img: there is no such file"):
        read_label(str(tmp_path / "x.img"))


# --- a law: what is written is what is read -------------------------------------------------

TEXTS = st.text(string.ascii_letters + string.digits + " .,;:/*()<>{}=#'+-_", max_size=30)
SCALARS = (
    st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS.map(lambda text: " ".join(text.split()))
)
UNITS = st.sampled_from(["KM", "pix/deg", "1/(W/m**2)"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=8)
QUANTITIES = st.builds(Quantity, VALUES, UNITS)
NAMES = st.text(string.ascii_uppercase, min_size=1, max_size=8).map(lambda name: f"K_{name}")
BLOCKS = st.recursive(
    st.tuples(st.dictionaries(NAMES, VALUES | QUANTITIES, max_size=5), st.just([])),
    lambda inner: st.tuples(
        st.dictionaries(NAMES, VALUES | QUANTITIES, max_size=4),
        st.lists(st.tuples(NAMES, inner), max_size=3),
    ),
    max_leaves=6,
)


def write(value: object) -> str:
    if isinstance(value, Quantity):
        return f"{write(value.value)} <{value.unit}>"
    if isinstance(value, tuple):
        return f"({', '.join(map(write, value))})"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def write_block(block: tuple[dict, list]) -> str:
    lines = [f"{keyword} = {write(value)}" for keyword, value in block[0].items()]
    for name, inner in block[1]:
        lines += [f"OBJECT = {name}", write_block(inner), f"END_OBJECT = {name}"]
    return "\r\n".join(lines)


def same(label: Label, block: tuple[dict, list]) -> bool:
    names = [name for name, _ in block[1]]
    return (
        label.values == block[0]
        and [inner.name for inner in label.blocks] == names
        and all(same(a, b) for a, (_, b) in zip(label.blocks, block[1], strict=True))
    )


@given(BLOCKS)
def test_what_is_written_is_read(block: tuple[dict, list]) -> None:
    assert same(parse_label(f"{write_block(block)}\r\nEND\r\n\x00\xff", "x.lbl"), block)


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text: str) -> None:
    # any error but TileError would fail here
    with contextlib.suppress(TileError):
        assert parse_label(text, "x.lbl").where == "x.lbl"
