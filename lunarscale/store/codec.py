"""Blosc's compressor, level and filter in one word, as users give it: ``zstd:1:bitshuffle``."""

from typing import Literal, NamedTuple, get_args

from lunarscale.errors import FormatError
from lunarscale.store.shard import Compressor, Filter

_COMPRESSORS: tuple[Compressor, ...] = get_args(Compressor)
_AUTO: Literal["auto"] = "auto"
_FILTERS: tuple[Filter | Literal["auto"], ...] = (_AUTO, *get_args(Filter))

#: Blosc's highest level.
_MOST = 9


class Codec(NamedTuple):
    """How Blosc packs a chunk.

    Parameters
    ----------
    compressor : str
    level : int
        0 (none) to 9.
    filter : str
        ``auto``: of each array its own (``for_array``).
    """

    compressor: Compressor = "lz4"
    level: int = 5
    filter: Filter | Literal["auto"] = _AUTO

    def for_array(self, own: Filter) -> tuple[Compressor, int, Filter]:
        """Compressor, level and filter of an array that packs best behind its own filter."""
        return self.compressor, self.level, own if self.filter == _AUTO else self.filter

    def __str__(self) -> str:
        return f"{self.compressor}:{self.level}:{self.filter}"

    @classmethod
    def of(cls, text: str) -> "Codec":
        """Read ``zstd:1:bitshuffle``; what is left away is the usual.

        Raises
        ------
        FormatError
            If Blosc has no such compressor, level or filter.
        """
        name, *rest = text.strip().lower().split(":")
        given = (name, *rest, *map(str, cls()[1 + len(rest) :]))
        compressor = next((known for known in _COMPRESSORS if known == given[0]), None)
        filter_ = next((known for known in _FILTERS if known == given[-1]), None)
        levels = {str(level): level for level in range(_MOST + 1)}
        if len(given) != len(cls()) or not compressor or not filter_ or given[1] not in levels:
            raise FormatError(
                f"codec {text}: a codec is COMPRESSOR:LEVEL:FILTER, as lz4:5:auto; the "
                f"compressors are {', '.join(_COMPRESSORS)}, the levels 0 to {_MOST}, the filters "
                f"{', '.join(_FILTERS)}"
            )
        return cls(compressor, levels[given[1]], filter_)


#: By measurement (``benchmarks/kernels/bench_codecs.py``): LZ4 at level 5.
USUAL_CODEC = str(Codec())
