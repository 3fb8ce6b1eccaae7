"""Mg# inside a graph, from the oxides that the graph gives."""

from collections.abc import Collection

from lunarscale.models.derived import FEO_G_PER_MOL, MGO_G_PER_MOL
from lunarscale.training.graph import GraphBuilder, Rows

#: The quantity, and the oxides it is made of.
MG_NUMBER, MG_NUMBER_OF = "Mg_number", ("FeO", "MgO")


def made_of(quantity: str) -> tuple[str, ...]:
    """The oxides that a quantity is made of: itself, or those of Mg#."""
    return MG_NUMBER_OF if quantity == MG_NUMBER else (quantity,)


def with_mg_number(oxides: Collection[str]) -> tuple[str, ...]:
    """The oxides, and Mg# after them where both that it needs are there."""
    return (*oxides, *((MG_NUMBER,) if set(MG_NUMBER_OF) <= set(oxides) else ()))


def mg_number_row(builder: GraphBuilder, oxides: dict[str, Rows]) -> Rows:
    """Molar Mg / (Mg + Fe), as ``lunarscale.models.derived.mg_number``.

    NaN where FeO or MgO is negative, or both are 0.
    """
    magnesium, iron = oxides["MgO"], oxides["FeO"]
    # the square root of a negative number is NaN; 0 / 0 is too
    defined = builder.op("Mul", builder.op("Sqrt", builder.op("Min", magnesium, iron)), 0.0)
    alike = builder.op("Mul", iron, MGO_G_PER_MOL / FEO_G_PER_MOL)  # MgO of as many moles
    number = builder.op("Div", magnesium, builder.op("Add", magnesium, alike))
    return builder.op("Add", number, defined)
