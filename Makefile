# make run      the leaderboard of every imputer on the General Social Survey 2022, in results/gss
# make report   that leaderboard again, from what is stored
# make publish  put the boards of all published suites, run before, into reports/published
# make test     the tests
# make check    style, types, architecture
# make setup    the environment; the others do it first

PYTHON ?= python3.11
BIN := .venv/bin
PUBLISHED := gss gss-all gss-systematic gss-targets gss-twin text

# small matrices: more threads cost more than they bring
export OMP_NUM_THREADS ?= 1
# a run is many processes: what one has compiled the others read, also where the environment says to keep none of it
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup check test run report publish

setup: .venv/.ready

# torch comes first and with its dependencies: where a CPU build is offered, pip prefers it to the CUDA build;
# pip compiles on one core and the tests of all packages, too; py312_ is PyTorch's, of a later Python's syntax
.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-compile $$(grep '^torch==' requirements.lock)
	$(BIN)/pip install --quiet --no-compile --no-deps --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -qq -j 0 -x '/tests?/|/py312_' .venv/lib
	touch $@

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

run: setup
	$(BIN)/python -m benchmarks run --suite gss

report: setup
	$(BIN)/python -m benchmarks report --suite gss

publish: setup
	for suite in $(PUBLISHED); do \
		rm -rf reports/published/$$suite && \
		$(BIN)/python -m benchmarks report results/$$suite/results.parquet --out reports/published/$$suite && \
		rm reports/published/$$suite/leaderboard.html reports/published/$$suite/manifest.json || exit 1; \
	done
	cp results/published/published.md reports/published/
	mkdir -p reports/published/studies
	cp results/study-*/study-*.md reports/published/studies/
