"""A simulated Moon: for the demo, the tests and the benchmarks; never to be taken for the real one."""
