"""What is asked of a dataset: points, profiles, regions, statistics, downloads, and places."""
