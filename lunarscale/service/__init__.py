"""The service: jobs, tiles and a map of the Moon over HTTP. It wires steps; it computes nothing."""
