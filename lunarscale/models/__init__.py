"""What it means: bands in, oxides out."""
