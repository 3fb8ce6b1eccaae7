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
        (r"run the same predict again to finish them", "a job `predict` of the same finishes them"),
        (r"run its ingest again first", "finish it first by a job `ingest` of the same"),
        (
            r"bring them back and run ingest again",
            "ask who runs the service to bring them back, then make the job anew",
        ),
        (
            r"let every worker see the (mosaic|maps), let its ingest end, and run predict again",
            r"ask who runs the service whether every worker sees the \1, let its ingest end, then "
            "start the job again",
        ),
        (
            r"let every worker see the maps and no run write to them, then run overview again",
            "ask who runs the service whether every worker sees the maps, let no run write to "
            "them, then start the job again",
        ),
        (
            r"use a folder or URL that every worker of the cluster can reach",
            "ask who runs the service to put it where every worker of the cluster reaches it",
        ),
        (
            r"put the same file where every worker looks, and run again",
            "ask who runs the service to put the same file where every worker looks",
        ),
        (
            r"give the path of a model file that this machine, and every worker, sees",
            "ask who runs the service to put it where every worker sees it",
        ),
        (r"start the run again", "start the job again"),
        (r"check the path or URL(?: and its options)?", "ask who runs the service to look at it"),
        (
            r"give the path of (?:a model file|that)(?:, or a built-in name \(`lunarscale models` "
            r"lists them\))?",
            "name one that /api/models lists",
        ),
        (r", or write the cells as rows with lunarscale sample", ""),
        (r", or say --units fractions \(or wt-pct, if they are\)", ""),
        (r"free some room, or name another place", "ask who runs the service for room"),
        (r"free some room", "ask who runs the service for room"),
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
