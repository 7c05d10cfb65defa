# Every job of the project. `make demo` and `make test` each work as the first command on a fresh clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Else each of the many processes of the tests compiles all modules again.
export PYTHONDONTWRITEBYTECODE =
export LOGRADAR_DATA ?= ../shared/data

# How long `make fuzz` mutates bundles.
SECONDS ?= 3600

# Other Pythons that the core must work on, and the part of the suite that shows it; without the extra `deep`.
PYTHONS ?= python3.12 python3.13
CORE_TESTS := $(addprefix tests/,core parsing sources alerting evaluation detectors/baselines detectors/value_models \
	detectors/test_values.py cli/test_first_train.py cli/test_main_job.py)

.PHONY: setup demo demo-service test test-spark test-federated notebooks test-processors test-pythons check check-slow fuzz bench bench-json bench-memory bench-parsing peers reproduce docs site clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: $(READY)  ## a virtual environment with LogRadar and all it needs

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --progress-bar off -c constraints.txt -e '.[deep,text,serve,code,dev]'
	touch $@

demo: $(READY)  ## find the anomalies of a real HDFS cluster (or of simulated services) and write the report
	$(BIN)/logradar demo

demo-service: $(READY)  ## the service with its dashboard, and a made-up shop that logs to it and fails (Ctrl-C ends it)
	$(BIN)/logradar serve --demo --home demo-service

test: $(READY)  ## the quick tests, on 3 processes
	OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadgroup

test-spark: $(READY)  ## all tests of the Spark engine, the long ones too
	$(BIN)/pip install --quiet --disable-pip-version-check --progress-bar off -c constraints.txt -e '.[spark]'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'slow or not slow' tests/engines

# Packages that Flower pins otherwise than constraints.txt; they are left to it.
OTHERWISE := typer|rich|protobuf|fastapi|starlette|uvicorn|attrs|packaging|grpcio|jsonschema|mcp|mcp-types|click|prompt_toolkit|pathspec|cryptography|requests|sqlalchemy|alembic|sse-starlette

test-federated:  ## the tests of federations, with Flower in an environment of its own
	$(PYTHON) -m venv $(VENV)-federated
	grep -v -i -E '^($(OTHERWISE))==' constraints.txt > $(VENV)-federated/constraints.txt
	$(VENV)-federated/bin/pip install --quiet --disable-pip-version-check --progress-bar off -c $(VENV)-federated/constraints.txt \
		-e '.[deep,text,federated]' pytest pytest-xdist hypothesis
	OMP_NUM_THREADS=1 $(VENV)-federated/bin/python -m pytest -m 'slow or not slow' tests/federated

test-processors: $(READY)  ## what networks learn: 4 processors, 1 and 2 threads, 3 seeds
	$(BIN)/python -m tests.processors

test-pythons:  ## a short run of the tests on other Pythons (PYTHONS='python3.12 python3.13')
	@for python in $(PYTHONS); do \
		if ! $$python -c '' 2>/dev/null; then echo "== $$python is not here: left out"; continue; fi; \
		venv=$(VENV)-$$(basename $$python); echo "== $$python"; \
		$$python -m venv --clear $$venv && \
		$$venv/bin/pip install --quiet --disable-pip-version-check --progress-bar off -c constraints.txt -e '.[dev]' && \
		OMP_NUM_THREADS=1 $$venv/bin/python -m pytest -n 2 -rs $(CORE_TESTS) || exit 1; \
	done

check: $(READY)  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src/logradar
	$(BIN)/lint-imports

check-slow: $(READY)  ## the marked tests that prove claims on real data, and tests of properties with more examples
	$(BIN)/python -m pytest -m slow
	LOGRADAR_EXAMPLES=thorough $(BIN)/python -m pytest -n 2 --dist loadgroup $$(grep -rl --include=test_*.py '^@given' tests)

notebooks: $(READY)  ## run the three notebooks on small settings, into artifacts/ (LOGRADAR_FULL=1: the full ones)
	mkdir -p artifacts/notebooks && cp notebooks/*.ipynb artifacts/notebooks/
	LOGRADAR_DATA=$(abspath $(LOGRADAR_DATA)) $(BIN)/python -m pytest -p no:xdist -p no:cacheprovider --override-ini addopts= \
		--nbmake --nbmake-timeout=7200 --overwrite --durations=0 $(addprefix artifacts/,$(sort $(wildcard notebooks/*.ipynb)))

fuzz: $(READY)  ## mutated bundles and made-up inputs for an hour (SECONDS=600 for less)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzzing.run --seconds $(SECONDS)
	LOGRADAR_FUZZ_EXAMPLES=$$(( $(SECONDS) / 2 + 50 )) $(BIN)/python -m pytest tests/fuzzing/test_readers.py

bench: $(READY) peers  ## speed beside peers, every benchmark in its quick size (about 10 minutes on two idle cores)
	for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

peers: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check duckdb ijson

bench-json: $(READY) peers  ## day files to Parquet, beside duckdb and ijson (1 GB)
	$(BIN)/python benchmarks/bench_json.py --full --runs 3

bench-memory: $(READY)  ## memory of validate and prepare on folders of 1, 4 and 16 GB of day files
	$(BIN)/python benchmarks/bench_memory.py --full

bench-parsing: $(READY)  ## template mining beside Drain3: HDFS, 16 systems and their mix
	$(BIN)/python benchmarks/bench_parsing.py --full

reproduce: $(READY)  ## published figures, measured again: expected and got (10 minutes; ROWS='NAME …')
	$(BIN)/python experiments/reproduce.py $(ROWS)

docs: $(READY)  ## the generated pages of the documentation, and what the commands of the tutorial print
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/tutorial.py

site: $(READY)  ## the documentation as a site in build/site; every link is checked
	$(BIN)/pip install --quiet --disable-pip-version-check --progress-bar off -c constraints.txt -e '.[docs]'
	$(BIN)/sphinx-build -q -E -W --keep-going -b html docs build/site

clean:  ## remove what was built (not the environment)
	rm -rf build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-run
