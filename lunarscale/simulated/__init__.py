"""A simulated Moon for the demo, the tests and the benchmarks, never to be taken for the real one.

::

    archive      writes tiles of the archive's form (tiling: where they are; label: PDS3);
                 kaguya_archive, kaguya_tiling, kaguya_label do so for Kaguya MI
    surface      reflectance, counts and truth at any place and resolution
    instrument   what the camera makes of the surface: noise, gaps, broken counts
    soils        what it is made of                 craters: where its craters are
    spectra      what each camera would see of the stations
    noise        chance that depends on nothing but the place
"""
