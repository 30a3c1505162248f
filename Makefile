# `make demo` and `make test` do everything on a machine that has Python, pip, venv, make and git.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PACKS := $(sort $(wildcard plugins/*))
EDITABLE := -e ".[dev,ray,onnx,transformers,stamps]" $(foreach pack,$(PACKS),-e "$(pack)[all]")

.PHONY: demo test lint types fast slow gpu clean

demo: $(VENV)/ready
	$(BIN)/ownmark run quickstart

test: $(VENV)/ready lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

slow: $(VENV)/ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "slow or data"

$(VENV)/ready: pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(EDITABLE)
	touch $@

# What everything costs on this machine's GPU; `make gpu ARGS=--smoke` runs all of it small, anywhere.
gpu: $(VENV)/ready
	$(BIN)/python benchmarks/gpu.py $(ARGS)

clean:
	rm -rf $(VENV) .ownmark runs
