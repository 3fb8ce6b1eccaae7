"""Graphs that can pick the r-th smallest of their channels, as prediction intervals must."""

import numpy as np
from onnx import helper

from lunarscale.training.graph import GraphBuilder, Rows


class RankingBuilder(GraphBuilder):
    """A ``GraphBuilder`` that can also rank the channels of a pixel."""

    def smallest(self, x: Rows, rank: int) -> Rows:
        """The ``rank``-th smallest channel of every pixel, counted from 1.

        Parameters
        ----------
        x : Rows
            At least ``rank`` channels of one position.
        rank : int

        Raises
        ------
        ValueError
            If there are fewer channels, or several positions.
        """
        if not 1 <= rank <= x.channels or x.positions != 1:
            raise ValueError(f"the {rank}-th smallest of {x} is not one row")
        name = f"ranked_{x.name}_{rank}"
        count = self._constant([rank], np.int64)
        self._nodes.append(
            helper.make_node(
                "TopK", [x.name, count], [name, f"{name}_places"], name,
                axis=1, largest=0, sorted=1,
            )
        )  # fmt: skip
        return self.slice(Rows(name, rank), rank - 1, rank)
