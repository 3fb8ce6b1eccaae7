"""``python -m lunarscale.cli``."""

from lunarscale.cli import main

main()
