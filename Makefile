# make demo: try it. make test: run everything. Both set up what they need, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo

.PHONY: demo test test-engine test-qgis lint plugin clean

$(VENV)/bin/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null; \
	  else echo "Python's venv module is missing: install the package python3-venv."; exit 1; fi; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.stamp-test: pyproject.toml $(VENV)/.stamp-run
	$(BIN)/python -m pip install -q --disable-pip-version-check -e ".[test]"
	@touch $@

demo: $(VENV)/.stamp-run
	@mkdir -p $(DEMO)
	$(BIN)/geo-ovss segment sample_data/town.tif --classes "building,road,vegetation,water,land" \
	  -o $(DEMO)/town.gpkg --preview $(DEMO)/town.png --overwrite

lint: $(VENV)/.stamp-test
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint test-engine test-qgis

test-engine: $(VENV)/.stamp-test
	$(BIN)/python -m pytest

test-qgis: $(VENV)/.stamp-test
	bash scripts/test_qgis.sh

plugin: $(VENV)/.stamp-run
	$(BIN)/python scripts/build_plugin.py

clean:
	rm -rf build dist $(DEMO) .pytest_cache .mypy_cache .ruff_cache
