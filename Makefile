# What a newcomer needs: `make demo`, `make test`. `make help` lists the rest.
#
# The demo has an environment of its own, .venv-demo, with few light packages and no TensorFlow.
# Everything else uses .venv, with TensorFlow: 2.17 on Python 3.11 or 3.12, the first that is found,
# or 2.21 on Python 3.13. Both are made on first use; PYTHON=/path/to/python picks the interpreter.

DATA_DIR ?= prepared
TRAIN_DIR ?= runs/speech
FLAGFILE ?= speech.flags
WEIGHTS ?= $(TRAIN_DIR)/weights.npz
EXPORT_DIR ?= exported
MODEL_DIR ?= pretrained/speech
INPUT_DIR ?= demo/clips
OUTPUT_DIR ?= scores
PORT ?= 8000
PYTEST_ARGS ?=

RUN := .venv/bin/python
INSTALL := tools/installation

.PHONY: help demo web test test-slow lint docs corpus train export evaluate clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; \
	  do printf '  make %-10s %s\n' "$$name" "$$text"; done

demo: .venv-demo/.complete ## codes real speech at 3, 6 and 12 kbps into demo_output/
	.venv-demo/bin/python demo/demo.py --model_dir=$(MODEL_DIR)

web: ## the codec in a web page, in build/web, served on localhost: PORT=8000, empty for no server
	python3 web_demo/build.py $(if $(PORT),--port=$(PORT))

test: .venv/.complete ## the quick tests
	@$(INSTALL)/install_tools.sh java app web browser
	$(RUN) -m pytest -m "not slow" $(PYTEST_ARGS)

test-slow: .venv/.complete ## the other tests: a browser, emulators, long training
	@$(INSTALL)/install_tools.sh java app web browser bazel phone
	$(RUN) -m pytest -m slow $(PYTEST_ARGS)

lint: .venv/.complete ## ruff and mypy
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

docs: .venv/.complete ## the API reference, from the docstrings, in build/docs
	$(RUN) tools/reference.py --output_dir=build/docs

corpus: .venv/.complete ## fetches and prepares open speech, noise and music: DATA_DIR=prepared
	$(RUN) data/corpus.py --output_dir=$(DATA_DIR)

train: .venv/.complete ## trains, or goes on where it stopped: DATA_DIR, TRAIN_DIR=runs/speech, FLAGFILE
	$(RUN) train.py --flagfile=$(FLAGFILE) --data_dir=$(DATA_DIR) --train_dir=$(TRAIN_DIR)

export: .venv/.complete ## writes streaming TFLite files: WEIGHTS, EXPORT_DIR=exported
	$(RUN) export/to_tflite.py --weights=$(WEIGHTS) --output_dir=$(EXPORT_DIR)

evaluate: .venv/.complete ## scores the codec beside Opus: INPUT_DIR, MODEL_DIR, OUTPUT_DIR=scores
	$(RUN) evaluate.py --input_dir=$(INPUT_DIR) --model_dir=$(MODEL_DIR) --output_dir=$(OUTPUT_DIR)

clean: ## removes what tests and the demo left; environments, data and runs stay
	rm -rf build demo_output .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

.venv/.complete: requirements.txt requirements-dev.txt $(INSTALL)/make_venv.sh
	COMPILER=yes $(INSTALL)/make_venv.sh .venv "3.11 3.12 3.13" $(filter %.txt,$^)
	@touch $@

# The second stack beside the first, for the test of both.
.venv-3.13/.complete: requirements.txt requirements-dev.txt $(INSTALL)/make_venv.sh
	COMPILER=yes $(INSTALL)/make_venv.sh .venv-3.13 3.13 $(filter %.txt,$^)
	@touch $@

.venv-demo/.complete: requirements-runtime.txt $(INSTALL)/make_venv.sh
	$(INSTALL)/make_venv.sh .venv-demo "3.11 3.12 3.13 3.14 3.10" $(filter %.txt,$^)
	@touch $@
