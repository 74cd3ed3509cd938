# Thin over `mrcl-bench`: every target prepares what it needs and calls one command.
#
#   make demo                         everything of the profile, then the tables
#   make pretrain eval-det eval-seg   parts of it, in any order that makes sense
#
# PROFILE  tiny (minutes), small (an hour or two), paper (your own data, GPUs), micro (tests)
# PYTHON   the interpreter that .venv is made with, 3.11 or newer
# JOBS     workers at a time; by default as many as the cores carry
# ARGS     further options of the command, e.g. ARGS="--recipe mrcl --seed 0"

PROFILE ?= tiny
PYTHON ?= python3
JOBS ?=
ARGS ?=

BENCH := .venv/bin/mrcl-bench
RESULTS := $(if $(MRCL_BENCH_ROOT),$(MRCL_BENCH_ROOT)/)results/
SCALE = --profile $(PROFILE)
WORK = $(SCALE) $(if $(JOBS),-j $(JOBS)) $(ARGS)

.DEFAULT_GOAL := help
# Set-up, data and training come one after the other; workers are the command's own business.
.NOTPARALLEL:
.PHONY: help demo setup data pretrain eval-cls eval-det eval-seg compare report plan status doctor \
	rehearse bench test nightly chaos protections lint clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PROFILE=$(PROFILE)  (micro, tiny, small or paper)"
	@echo "  PYTHON=$(PYTHON)  JOBS=$(or $(JOBS),by cores)  ARGS=\"--recipe mrcl\" and the like"

# A failed job is a cell of the tables, so they are shown then, too; the exit code stays.
demo: setup data ## Run the whole matrix of the profile and print its tables.
	@$(BENCH) run $(WORK); code=$$?; \
	if [ $$code -le 1 ]; then \
		$(BENCH) compare $(RESULTS) $(SCALE) && \
		echo "The tables are in $(RESULTS)tables/$(PROFILE)/ (Markdown and CSV)." || exit $$?; \
	fi; \
	exit $$code

setup: ## Build .venv; at once when it is there and up to date.
	@$(PYTHON) tools/setup_env.py

data: setup ## Make the embedded data sets of the profile (paper: none).
ifeq ($(PROFILE),micro)
	$(BENCH) data stamps --size micro
else ifneq ($(PROFILE),paper)
	$(BENCH) data stamps
endif
ifeq ($(PROFILE),small)
	@$(BENCH) data fashion-mnist || echo "going on without Fashion-MNIST: its jobs will wait for it"
endif

pretrain: setup data ## Pretrain all recipes and convert their weights.
	$(BENCH) pretrain $(WORK)

eval-cls: setup data ## Classification: probes and fine-tuning.
	$(BENCH) eval cls $(WORK)

eval-det: setup data ## Detection and instance segmentation.
	$(BENCH) eval det $(WORK)

eval-seg: setup data ## Semantic segmentation.
	$(BENCH) eval seg $(WORK)

compare: setup ## Print and write the tables of the records that there are.
	$(BENCH) compare $(RESULTS) $(SCALE)

report: setup ## Write results/report.html: tables, figures, pictures and origins in one file.
	$(BENCH) report $(RESULTS) $(SCALE) $(ARGS)

plan: setup ## Show what `make demo` would do, and why.
	$(BENCH) plan $(SCALE) $(ARGS)

status: setup ## Show which checkpoints and records are there.
	$(BENCH) status $(SCALE)

# Without set-up before it: it is there to say what is wrong with one.
doctor: ## Look over environment, data and disk.
	@test -x $(BENCH) || { echo "$(BENCH) is not there: run 'make setup' first"; exit 1; }
	$(BENCH) doctor

rehearse: setup ## Try all configs of the profile paper in miniature, on the CPU.
	$(BENCH) rehearse $(ARGS)

bench: setup ## Measure speed side by side; writes results/bench/ (ARGS: names of parts).
	.venv/bin/python -m benchmarks $(ARGS)

test: setup ## Run the tests.
	.venv/bin/python -m pytest -q --durations=8

nightly: setup ## Run what the tests leave out: rehearsals of everything.
	.venv/bin/python -m pytest -q --durations=8 -m nightly

chaos: setup ## Kill a matrix at 50 random moments and see that nothing is lost.
	.venv/bin/python -m tools.chaos $(ARGS)

protections: setup ## Take out each protection of docs/faults.md and see that its tests fail.
	.venv/bin/python -m tools.protections $(ARGS)

lint: setup ## Check style and types.
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

clean: ## Delete caches and run folders; records, tables, checkpoints and data stay.
	find . \( -path './.venv*' -o -path ./.git -o -path ./data \) -prune -o \
		-type d -name __pycache__ -prune -exec rm -rf {} +
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	rm -rf $(RESULTS)runs
