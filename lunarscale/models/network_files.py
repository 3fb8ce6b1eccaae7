"""Reading networks: a file, the card in it or beside it, and those that come with the package."""

import hashlib
from dataclasses import replace
from pathlib import Path

from lunarscale.errors import ModelError
from lunarscale.models.card import METADATA_KEY, Card
from lunarscale.models.network import Network
from lunarscale.models.onnx_file import GraphFacts, NotProtobufError, read_facts
from lunarscale.models.session import READY, read_file, ready_folder

#: Bytes of a card beside a model file: a few hundred are enough, and YAML is slow to read.
LARGEST_CARD = 100_000


def read_network(path: str) -> Network:
    """The network of a file, with the card in it or beside it; nothing runs yet.

    Parameters
    ----------
    path : str
        An ``.onnx`` file; its card is its metadata's, else ``feo.yaml`` beside ``feo.onnx``.

    Raises
    ------
    ModelError
        If the file is no whole ONNX file or needs others, if it has no card, or if card and
        graph do not belong together.
    """
    location = path if path.startswith(READY) else str(Path(path).absolute())
    content = read_file(location)
    facts = _facts(content, path)
    card = _card(path, facts)
    facts = replace(facts, metadata={})  # the card is read; what else is there need not travel
    network = Network(location, hashlib.sha256(content).hexdigest(), len(content), card, facts)
    network.require_fit()
    return network


def ready_names() -> list[str]:
    """Names of the networks that come with the package; no file is opened."""
    folder = ready_folder()
    if not folder.is_dir():
        return []
    return sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".onnx"))


def ready_network(name: str) -> Network:
    """The network of that name that comes with the package."""
    return read_network(READY + name)


def _facts(content: bytes, path: str) -> GraphFacts:
    """What the file says of its graph, refused where it needs more than itself and onnxruntime."""
    try:
        facts = read_facts(content)
    except NotProtobufError as problem:
        is_cut = content[:1] == b"\x08"  # an ONNX file begins with its IR version
        raise ModelError(
            f"{path} is {'cut short or damaged' if is_cut else 'no ONNX file'} ({problem}); "
            "copy it again, or export the network again"
        ) from None
    if not facts.ir_version or not facts.outputs:
        raise ModelError(f"{path} holds no graph with outputs; export the network again")
    if facts.external:
        raise ModelError(
            f"{path} keeps its weights in another file ({facts.external}) but a model is one file; "
            "export with external_data=False, or onnx.save(onnx.load(path), path)"
        )
    if facts.foreign_operators:
        raise ModelError(
            f"{path} uses operators that onnxruntime does not have "
            f"({', '.join(facts.foreign_operators[:3])}); export it with ONNX's own"
        )
    return facts


def _card_text(card: Path) -> str:
    size = card.stat().st_size
    if size > LARGEST_CARD:
        raise ModelError(
            f"{card} has {size:,} bytes but a card may have {LARGEST_CARD:,}; shorten it"
        )
    try:
        return card.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise ModelError(
            f"{card} is no text in UTF-8 (byte {problem.start}); save the card as UTF-8"
        ) from None


def _card(path: str, facts: GraphFacts) -> Card:
    if METADATA_KEY in facts.metadata:
        return Card.from_json(facts.metadata[METADATA_KEY], where=path)
    beside = [Path(path).with_suffix(suffix) for suffix in (".yaml", ".yml")]
    for card in beside:
        if card.is_file():
            return Card.from_yaml(_card_text(card), where=str(card))
    raise ModelError(
        f"{path} has no card, so its bands and units are not known; write {beside[0].name} beside "
        f"it with four lines such as `name: {Path(path).stem}`, `camera: clementine-uvvis`, "
        "`bands_nm: [415, 750, 900, 950, 1000]` and `outputs: [{quantity: FeO, units: wt %}]`"
    )
