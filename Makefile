# Every job of the project. `make demo` and `make test` each work as the first command on a fresh clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export LOGRADAR_DATA ?= ../shared/data

# Other Pythons that the core must work on, and the part of the suite that shows it; without the extra `deep`.
PYTHONS ?= python3.12 python3.13
CORE_TESTS := $(addprefix tests/,core parsing sources alerting evaluation detectors/baselines detectors/value_models \
	detectors/test_values.py cli/test_first_train.py cli/test_main_job.py)

.PHONY: setup demo test test-pythons check check-slow bench bench-json bench-memory bench-parsing reproduce docs clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: $(READY)  ## a virtual environment with LogRadar and all it needs

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --progress-bar off -c constraints.txt -e '.[deep,dev]'
	touch $@

demo: $(READY)  ## find the anomalies of a real HDFS cluster (or of simulated services) and write the report
	$(BIN)/logradar demo

test: $(READY)  ## all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

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

check-slow: $(READY)  ## the marked tests that prove claims on real data
	$(BIN)/python -m pytest -m slow

bench: $(READY)  ## the benchmarks, each beside its peer
	for script in $(filter-out benchmarks/bench_memory.py benchmarks/reproduce.py,$(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-json: $(READY)  ## day files to Parquet, beside duckdb and ijson (1 GB)
	$(BIN)/pip install --quiet --disable-pip-version-check duckdb ijson
	$(BIN)/python benchmarks/bench_json.py --runs 3

bench-memory: $(READY)  ## memory of validate and prepare on folders of 1, 4 and 16 GB of day files
	$(BIN)/python benchmarks/bench_memory.py

bench-parsing: $(READY)  ## template mining beside Drain3: HDFS, 16 systems and their mix
	$(BIN)/python benchmarks/bench_parsing.py

reproduce: $(READY)  ## published figures, measured again: expected and got (10 minutes; ROWS='NAME …')
	$(BIN)/python benchmarks/reproduce.py $(ROWS)

docs: $(READY)  ## the generated pages of the documentation
	$(BIN)/python docs/generate.py

clean:  ## remove what was built (not the environment)
	rm -rf build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-run
