# Two commands do everything on a fresh machine:  make quickstart   and   make test
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
READY_DOCS := $(VENV)/.ready-docs
READY_DEMO := $(VENV)/.ready-demo
RECENT := import sys; sys.exit(sys.version_info < (3, 10))
CODE := data_loaders multimodal scripts tests benchmarks docs

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev quickstart demo ablation test check-matrix torture lint type check docs bench clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*?## "} {printf "  make %-12s %s\n", $$1, $$2}'

$(READY): pyproject.toml
	@$(PYTHON) -c '$(RECENT)' || \
	  { echo "$(PYTHON) is older than Python 3.10; name another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "making $(VENV) and installing some 8 GB into it: this takes minutes and says nothing meanwhile"
	@$(PYTHON) -m venv $$($(BIN)/python -c '$(RECENT)' 2>/dev/null || echo --clear) $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(READY_DEV): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

$(READY_DOCS): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

$(READY_DEMO): $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	@touch $@

setup: $(READY)  ## make the environment in .venv

setup-dev: $(READY_DEV)  ## the same, with everything tests and checks need

quickstart: $(READY)  ## make a sample dump, prepare, train DESIGN and the hybrid, evaluate, compare, recommend
	$(BIN)/multimodal-hashtags make-sample --output data/sample
	$(BIN)/multimodal-hashtags prepare --source data/sample --output data/prepared
	$(BIN)/multimodal-hashtags train --config sample --data data/prepared --output runs/sample --overwrite
	$(BIN)/multimodal-hashtags train --config hybrid_sample --data data/prepared --output runs/hybrid --overwrite \
	  "sources={design: runs/sample}"
	$(BIN)/multimodal-hashtags evaluate --run runs/sample --data data/prepared --split test --k 1-10
	$(BIN)/multimodal-hashtags evaluate --run runs/hybrid --data data/prepared --split test --k 1-10
	$(BIN)/multimodal-hashtags compare runs/sample runs/hybrid --split test --k 5
	$(BIN)/multimodal-hashtags recommend --run runs/hybrid --k 5 --user-id 8100110883 \
	  --image data/sample/olga_m/2025-03-21_20-22-16_UTC.jpg --caption "Nothing beats travelling at the end of a long week."
	@echo "next: make demo, a page in the browser with both models; figures are in runs/hybrid/evaluation/test"

demo: $(READY_DEMO)  ## a page in the browser to try what make quickstart trained
	$(BIN)/multimodal-hashtags demo --run runs/hybrid --run runs/sample --data data/prepared

ablation: $(READY)  ## what each part contributes on the sample (about 45 minutes)
	$(BIN)/multimodal-hashtags ablation --data data/prepared --output runs/ablation

test: $(READY_DEV)  ## run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -q

check-matrix: $(READY_DEV)  ## the tests with other threads, instruction sets, orders, Pythons and versions (an hour)
	$(BIN)/python .ci/check_matrix.py

torture: $(READY_DEV)  ## hostile records, calls, pictures, models and kills (an hour)
	$(BIN)/python tests/torture/campaign.py

lint: $(READY_DEV)  ## style and spelling
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/codespell --quiet-level 2 *.md docs .github

type: $(READY_DEV)  ## static types, strict
	$(BIN)/mypy

check: lint type test  ## lint, type and test

docs: $(READY_DOCS)  ## build the documentation site in site/, strictly
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(READY_DEV)  ## timings, side by side in one run
	$(BIN)/python benchmarks/bench_metrics.py
	$(BIN)/python benchmarks/bench_training.py
	$(BIN)/python benchmarks/bench_recommend.py
	$(BIN)/python benchmarks/bench_memory.py
	$(BIN)/python benchmarks/bench_remembering.py

clean:  ## remove the files of the sample run
	rm -rf data/sample data/prepared runs/sample runs/hybrid runs/ablation
