"""The addresses of the service, one file a subject; each has a ``router``."""
