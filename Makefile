.PHONY: check test lint

check:  ## everything CI runs, in a fresh environment
	.ci/run

lint:  ## style, types and import contracts, in this environment
	ruff check .
	ruff format --check .
	mypy
	lint-imports

test:  ## all tests, in this environment
	pytest
