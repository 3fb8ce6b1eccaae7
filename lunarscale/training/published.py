"""What the papers say their networks reach, to print beside ours."""

#: R2 of leave-one-out by network and oxide: Qiu, Yan & Liu 2025, Commun. Earth Environ., doi
#: 10.1038/s43247-025-02914-w. For the others no figures by oxide are public.
PUBLISHED_R2: dict[str, dict[str, float]] = {
    "qiu-2025": {"FeO": 0.897, "TiO2": 0.831, "Al2O3": 0.947, "MgO": 0.755, "CaO": 0.918},
}
