"""PDS3 labels out of files: the Object Description Language, parsed strictly.

The language is that of the PDS Standards Reference 3.8 (JPL D-7669, part 2), chapter 12.
"""

import re
from collections.abc import Iterator
from typing import NoReturn

from lunarscale.errors import TileError
from lunarscale.readers.files import Options, read_ranges
from lunarscale.readers.label import Label, Quantity, Value, shown

#: Bytes of the first look into a file: nearly every label fits.
FIRST_BLOCK = 16 * 1024
#: What has no END within so many bytes is no label.
LONGEST_LABEL = 1024 * 1024

_TOKEN = re.compile(
    r"""(?:\s+|/\*.*?\*/)*                       # space and comments
        (?: "(?P<text>[^"]*)"
          | '(?P<symbol>[^'\n]*)'
          | <(?P<unit>[^<>]*)>
          | (?P<mark>[=(){},])
          | (?P<word>(?:[^\s=(){},<>"'/]|/(?!\*))+)
        )?""",
    re.VERBOSE | re.DOTALL,
)
_INTEGER = re.compile(r"[+-]?\d{1,300}")
_REAL = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d+)?")
_BASED = re.compile(r"(\d{1,2})#([+-]?[0-9A-Za-z]{1,300})#")
_NAME = re.compile(r"\^?[A-Za-z][\w:.-]*")
_LINE_BREAK = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")
_BEGINS = re.compile(rb"(?:\s|/\*[ -~\s]*?\*/)*\^?[A-Za-z][\w:.-]*[ \t]*=")
# strings and comments are stepped over as wholes, so that an END within one is not the end
_END = re.compile(rb'"[^"]*(?:"|\Z)|/\*(?s:.*?)(?:\*/|\Z)|^[ \t]*(?P<end>END)(?=\s)', re.MULTILINE)
_CLOSING = {
    "OBJECT": "END_OBJECT",
    "BEGIN_OBJECT": "END_OBJECT",
    "GROUP": "END_GROUP",
    "BEGIN_GROUP": "END_GROUP",
}


def read_label(path: str, options: Options = None) -> tuple[Label, bytes]:
    """The label at the beginning of a file, and its bytes up to and with END.

    Reads 16 KiB at first and no more than 1 MiB: a file that begins with no ``KEYWORD =`` is
    refused after the first block.

    Raises
    ------
    TileError
        If the file is not there, empty, begins with no label, or the label is malformed.
    """
    head = read_ranges(path, [(0, FIRST_BLOCK)], options)[0]
    if not head:
        raise TileError(f"{path}: the file is empty; fetch it again")
    if not begins_with_label(head):
        raise TileError(
            f"{path}: a PDS3 label should begin with a line KEYWORD = VALUE "
            f"but the file begins with {head[:16]!r}; it is no tile of this archive"
        )
    asked = FIRST_BLOCK
    while (end := _label_end(head, whole_file=len(head) < asked)) is None:
        if len(head) < asked or asked >= LONGEST_LABEL:
            raise TileError(
                f"{path}: the label should close with END but the first {len(head):,} bytes "
                "have none; fetch the file again"
            )
        head += read_ranges(path, [(asked, 4 * asked)], options)[0]
        asked *= 4
    return parse_label(head[:end].decode("latin-1"), path), head[:end]


def begins_with_label(head: bytes) -> bool:
    """Whether a file that begins with these bytes begins with an ODL statement."""
    return _BEGINS.match(head) is not None


def _label_end(head: bytes, *, whole_file: bool) -> int | None:
    text = head + b"\n" if whole_file else head
    ends = (match.end("end") for match in _END.finditer(text) if match["end"])
    return next(ends, None)


def parse_label(text: str, where: str) -> Label:
    """Parse a label up to its END; what follows is not looked at.

    Parameters
    ----------
    text : str
    where : str
        The file it stands in, for messages.

    Raises
    ------
    TileError
        If the text is not ODL; the message names the line and what was expected there.
    """
    try:
        return _Parser(text, where).label("", None)
    except RecursionError as error:
        raise TileError(
            f"{where}: the label nests its parentheses or OBJECTs too deep to be one; "
            "fetch the file again"
        ) from error


class _Parser:
    """Recursive descent with one token in hand: its kind (None: the text's end), item, start."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where, self.next = text, where, 0
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.next)
        assert match is not None  # every part of the pattern is optional
        self.kind: str | None = match.lastgroup
        self.item = match[self.kind] if self.kind else ""
        self.start, self.next = match.end() - len(self.item), match.end()

    def fail(self, wanted: str) -> NoReturn:
        line = self.text.count("\n", 0, self.start) + 1
        shown = self.item or self.text[self.start : self.start + 12]
        found = repr(shown[:40]) if shown else "the end of the file"
        raise TileError(
            f"{self.where}: line {line} of the label should have {wanted} but has {found}; "
            "fetch the file again"
        )

    def at(self, mark: str) -> bool:
        return self.kind == "mark" and self.item == mark

    def take(self, mark: str) -> None:
        if not self.at(mark):
            self.fail(f"'{mark}'")
        self.advance()

    def label(self, name: str, closing: str | None) -> Label:
        """A block's statements up to ``closing`` (None: the label's END)."""
        values: dict[str, Value] = {}
        blocks: list[Label] = []
        while True:
            if self.kind != "word" or not _NAME.fullmatch(self.item):
                self.fail("a keyword")
            keyword = self.item.upper()
            if keyword == (closing or "END"):
                self.close(name, closing)
                return Label(self.where, name, values, tuple(blocks))
            if keyword == "END" or keyword in _CLOSING.values():
                self.fail(f"{closing} = {name}" if closing else "a keyword or END")
            self.advance()
            self.take("=")
            if keyword in _CLOSING:
                inner = self.item.upper()
                self.advance()
                blocks.append(self.label(inner, _CLOSING[keyword]))
            else:
                self.keep(values, keyword)

    def close(self, name: str, closing: str | None) -> None:
        if closing is None:
            return
        self.advance()
        if self.at("="):
            self.advance()
            if self.item.upper() != name:
                self.fail(f"{closing} = {name}")
            self.advance()

    def keep(self, values: dict[str, Value], keyword: str) -> None:
        value = self.value()
        if values.setdefault(keyword, value) != value:
            raise TileError(
                f"{self.where}: the label gives {keyword} twice, as {shown(values[keyword])} and "
                f"as {shown(value)}; fetch the file again"
            )

    def value(self) -> Value:
        value: Value
        if self.at("("):
            value = tuple(self.items(")"))
        elif self.at("{"):
            value = frozenset(self.items("}"))
        else:
            value = self.scalar()
        if self.kind == "unit":
            value = Quantity(value, self.item.strip())
            self.advance()
        return value

    def items(self, closing: str) -> Iterator[Value]:
        self.advance()
        while not self.at(closing):
            yield self.value()
            if not self.at(closing):
                self.take(",")
        self.advance()

    def scalar(self) -> Value:
        kind, item = self.kind, self.item
        if kind not in ("text", "symbol", "word"):
            self.fail("a value")
        self.advance()
        if kind == "word":
            return _word(item)
        return _LINE_BREAK.sub(" ", item).strip() if kind == "text" else item.strip()


def _word(word: str) -> Value:
    """A number where the word is one, else the word itself: a name, a date, N/A."""
    if _INTEGER.fullmatch(word):
        return int(word)
    if _REAL.fullmatch(word):
        return float(word)
    if (match := _BASED.fullmatch(word)) and 2 <= int(match[1]) <= 36:
        try:
            return int(match[2], int(match[1]))
        except ValueError:  # a digit beyond the base: no number, so a word
            return word
    return word
