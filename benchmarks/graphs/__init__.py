"""Whole runs on a cluster, beside what one writes with xarray and Dask."""
