"""Counts with their nouns, for people."""


def several(count: int, noun: str) -> str:
    """``1 shard``, ``1,458 shards``, ``2 processes``.

    Parameters
    ----------
    count : int
    noun : str
        Of one.
    """
    ending = "" if count == 1 else "es" if noun.endswith(("s", "ch")) else "s"
    return f"{count:,} {noun}{ending}"
