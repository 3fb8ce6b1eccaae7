"""Small documents that carry their own checksum: JSON with the CRC32C of the rest of it."""

import json
from typing import Any

import google_crc32c

#: Name of the checksum among a document's facts.
SEAL = "crc32c"


def sealed(facts: dict[str, Any], *, indent: int | None = None) -> bytes:
    """A document as JSON, sealed.

    Parameters
    ----------
    facts : dict
        JSON-able.
    indent : int, optional
        For documents that people read.
    """
    return json.dumps({**facts, SEAL: checksum(facts)}, indent=indent).encode()


def unsealed(blob: bytes | None) -> dict[str, Any] | None:
    """What a document says; None where there is none, or where any bit of it is another.

    A document without a seal was written before there were seals; it is taken as it is.
    """
    try:
        facts = json.loads(blob or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(facts, dict):
        return None
    seal = facts.pop(SEAL, None)
    return facts if seal in (None, checksum(facts)) else None


def is_sealed(blob: bytes) -> bool:
    """Whether a document says a checksum at all."""
    return unsealed(blob) is not None and SEAL in json.loads(blob)


def checksum(facts: Any) -> int:
    """CRC32C of JSON-able values, the same everywhere."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return int(google_crc32c.value(text.encode()))
