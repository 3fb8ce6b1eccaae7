"""What benchmarks that run on a simulated Moon are asked on the command line."""

import argparse


def moon_options(title: str, *, room: str) -> argparse.ArgumentParser:
    """Options of its size and cut, of repeats, and of where the stores go.

    Parameters
    ----------
    title : str
        The benchmark's, the first line of its docstring.
    room : str
        What the stores take on the disk, ``2 GB``.
    """
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--width", type=int, default=16384, help="pixels around the Moon")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shard", type=int, default=2048)
    parser.add_argument("--chunk", type=int, default=512)
    where = f"where the stores go, a temporary folder if none; {room}"
    parser.add_argument("--folder", help=where)
    return parser
