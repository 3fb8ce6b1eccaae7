"""How it sums: exact statistics that merge in any order to the same bits.

Maps are int16 counts of a quantum and areas are integers, so the integer area of every count
holds all there is to know: mean, deviation, extremes, quantiles and modes are read off it.
"""
