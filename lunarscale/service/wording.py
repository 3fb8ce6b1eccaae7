"""Sentences of the steps as callers of the API can follow them.

Steps say what to do in the words of the command line, where most of them are read. Who asks over
HTTP has parameters instead of options, jobs instead of commands, and somebody who runs the service.
"""

import re

#: What only a shell can do, and what a caller can do instead.
_INSTEAD: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r", name another --out, or --overwrite to start afresh", ", or name another --out"),
        (r", or --overwrite to start afresh", ""),
        (r"start afresh with --overwrite", "name another --out"),
        (
            r"use a smaller (?:--)?shard,?(?: fewer --threads)? or (?:fewer, )?larger workers"
            r" \([^)]*\)",
            "use a smaller shard, or ask who runs the service for larger workers",
        ),
        (
            r"start workers and run the command again",
            "ask who runs the service for workers, then try again",
        ),
        (
            r"(?:`lunarscale validate --deep` the store, |validate the store with --deep, )?"
            r"(?:then )?run the command that (?:made|wrote) it again(?:, then this one)?",
            "ask who runs the service to validate the store",
        ),
        (
            r"`lunarscale validate --deep` the store",
            "ask who runs the service to validate the store",
        ),
        (r"run (?:the same|this|the) command again", "try again"),
        (r"rename (the|a) file", r"upload \1 file under another name"),
        (r"`lunarscale info` shows what a store holds", "/api/datasets shows what each holds"),
        (r"`lunarscale models`", "/api/models"),
        (r"`lunarscale (ingest|predict|overview|summarise|export)`", r"a job `\1`"),
        (r"`lunarscale calibrate --out`", "`lunarscale calibrate`"),
    )
)

#: Options whose parameters are called otherwise.
_PARAMETERS = {"out": "output", "mare": "maria", "model": "models"}

_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9]*(?:-[a-z0-9]+)*)")


def for_callers(sentence: str) -> str:
    """A sentence of a step in the words of the API.

    >>> for_callers("maps.zarr: name another --out, or --overwrite to start afresh")
    'maps.zarr: name another `output`'
    """
    for pattern, instead in _INSTEAD:
        sentence = pattern.sub(instead, sentence)
    return _OPTION.sub(lambda found: f"`{_PARAMETERS.get(found[1], found[1])}`", sentence)
