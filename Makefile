# make demo | test | bench | lint: each builds .venv first, from a hash-pinned lock, on a machine that has only
# Python 3.11 or later, a C compiler and access to a package index. Nothing is installed outside of .venv.

PYTHON ?= python3
ONLY ?=
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
CORE := $(wildcard src/tigertally/*/*.c)
TYPED := src/tigertally tests bench docs/generate.py

.DEFAULT_GOAL := help
.PHONY: help demo test bench peers fuzz fuzz-decision lint format docs lock clean distclean
.DELETE_ON_ERROR:

help:
	@echo "make demo          watch a fictional company's payment data go from discovery to a proven handover"
	@echo "make test          all tests, two at a time (ARGS='-k store' for some)"
	@echo "make bench         measure against the budgets (ONLY=name for one); writes build/bench.json"
	@echo "make peers         install other programs that the bench compares with, into build/peers"
	@echo "make fuzz          the digit finder under sanitizers, some minutes"
	@echo "make fuzz-decision a million requests for access, each held to an oracle, some minutes"
	@echo "make lint          style, types, floors"
	@echo "make format docs   write what make lint and make test compare"
	@echo "make lock          pin the newest allowed versions anew (needs uv)"
	@echo "make clean         remove what was built; make distclean removes .venv too"

# A stamp is written last, so that an install that failed is tried again.
.venv/.dependencies: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed; $(PYTHON) is not. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	$(PIP) install --quiet --require-hashes --requirement requirements/dev.txt
	@touch $@

.venv/.ready: .venv/.dependencies pyproject.toml $(CORE)
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/.ready
	$(BIN)/tigertally demo --out build/demo

# A file's tests stay together, so that what they share is made once; the long ones come first by name.
test: .venv/.ready
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: .venv/.ready
	$(BIN)/python -m bench.run $(ONLY)

# Peers of `make bench`, in an environment of their own: the product never installs them.
peers:
	$(PYTHON) -m venv --clear build/peers
	build/peers/bin/python -m pip install --quiet panhunt presidio-analyzer ff3

fuzz:
	@mkdir -p build
	$(CC) -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all tests/faults/core_fuzz.c -o build/core_fuzz
	build/core_fuzz 2000000 $$(date +%s)

# A million requests, each decided as an oracle says.
fuzz-decision: .venv/.ready
	ROUNDS=1000000 $(BIN)/python -m pytest -q tests/laws/test_decision_laws.py -k great_many

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports

format: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.ready
	$(BIN)/python docs/generate.py

# One resolution for both lists. The index's address stays out of them.
LOCK := uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
lock:
	@command -v uv >/dev/null || { echo "make lock needs uv (https://docs.astral.sh/uv/)" >&2; exit 1; }
	$(LOCK) --output-file requirements/runtime.txt
	$(LOCK) --group dev --constraint requirements/runtime.txt --output-file requirements/dev.txt

clean:
	rm -rf build demo-out src/*.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find src tests bench docs -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv
