# Every target works from a clean clone with nothing but Python, pip, venv and make.
PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready
PYTEST := $(BIN)/pytest -n 2 --benchmark-disable --ignore=tests/benchmarks

# No look for newer releases at every run.
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

.PHONY: help demo test test-all range bench docs lint lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 10

demo: $(READY)  ## run a shipped deal, print its tables, write them to demo-output/
	$(BIN)/firstloss run vantage-jersey --shock 0 --shock 100 --shock 300 --out demo-output

test: lint  ## lint, then every test but the deep, the slow and those that need a browser
	$(PYTEST) -m "not browser and not slow"

test-all: lint  ## everything: ten thousand random deals, two thousand examples of any other property, a cluster, the site, a real Chromium, both ends of the supported range, and the benchmarks
	HYPOTHESIS_PROFILE=deep $(PYTEST)
	$(MAKE) range
	$(MAKE) bench

range:  ## the oldest supported Python with the oldest of every dependency, and the newest here with the newest
	$(PYTHON) -m venv --clear .range/uv
	.range/uv/bin/pip install --quiet uv
	$(PYTHON) tests/python_range.py .range/uv/bin/uv .range
	rm -rf .range

bench: $(READY)  ## the benchmarks, with their asserted ratios
	$(BIN)/pytest tests/benchmarks --benchmark-only

docs: $(READY)  ## the site, docs/_build/html/index.html; opens offline
	$(BIN)/sphinx-build -q -E -W --keep-going docs docs/_build/html

lint: $(READY)  ## ruff, pyright on the three packages, and strict on the examples and the README's script
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/python tests/strict_types.py

lock:  ## solve the dependencies of pyproject.toml anew into requirements.lock
	$(PYTHON) -m venv --clear .lock
	.lock/bin/pip install --quiet uv
	.lock/bin/uv pip compile pyproject.toml --extra dev --quiet --upgrade --no-config \
		--universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
		--custom-compile-command "make lock" --output-file requirements.lock
	rm -rf .lock

clean:  ## forget the environment, the caches, the site and the demo's output
	rm -rf .venv .lock .range demo-output docs/_build docs/story.ipynb .hypothesis .pytest_cache .ruff_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 15) else \
		f"the locked environment needs Python 3.11 to 3.14, and this is {sys.version.split()[0]}: say make PYTHON=python3.11")'
	@echo "Installing the locked dependencies into .venv: once, about a minute."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
