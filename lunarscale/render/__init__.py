"""Figures and the report page: arrays in, files out; knows no store, no cluster."""
