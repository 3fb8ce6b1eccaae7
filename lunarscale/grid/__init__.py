"""Where a pixel is: grids, windows, projections, exact areas, resampling, groupings."""
