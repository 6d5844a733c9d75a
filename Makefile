# Thin on purpose: each target is one or two commands. Without make, README.md gives the same commands by hand.
PYTHON ?= python3
BIN := .venv/bin
# More workers than two cores have: tests wait for kernels, browsers and time limits half of their time.
# Files are taken in order, long ones first, so that no worker is left alone with one at the end.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
LESSONS := --nbval --nbval-sanitize-with notebooks/nbval.cfg notebooks

.PHONY: help learn grader grade-demo room rehearse test test-rest test-all test-live soak lint lock release execute stamp pages bundle assessment kit bench clean

help:            ## Show the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/'

.venv/learn: requirements.txt pyproject.toml
	$(PYTHON) portail/doctor.py .
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

.venv/test: .venv/learn requirements-dev.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	touch $@

.venv/grader: .venv/learn requirements-grader.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-grader.txt
	touch $@

grader: .venv/grader  ## Install what grading a cohort needs, and say whether this machine can confine learner code
	$(BIN)/grader doctor

.venv/room: .venv/learn requirements-room.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-room.txt
	touch $@

room: .venv/room      ## Open a room for laptops that have only a browser: a seat each, on this machine
	$(BIN)/python -m room open

rehearse: .venv/room  ## The day before: every lesson of the day, both languages, 27 seats at once
	$(BIN)/python -m room rehearse

grade-demo: .venv/grader  ## An instructor's day on a synthetic cohort of thirty, from one ZIP to the reports
	$(BIN)/python exercises/demo.py

learn: .venv/learn    ## Set up, build the learner's workspace and open JupyterLab on the start page
	$(BIN)/python -m curriculum learn

test: .venv/test      ## Run the tests of every change, in five minutes (no network but the package indexes)
	$(PYTEST) -m "not thorough" $(LESSONS) tests

test-rest: .venv/test ## Run what `make test` leaves out: browsers, the room, databases, clusters, every attack and fault
	$(BIN)/python -m tests.helpers.browser
	$(PYTEST) -m thorough tests

test-all: test test-rest  ## Run every test, each once

test-live: .venv/test ## Run the lessons and the schema checks against the real portal
	PORTAIL_MODE=live $(BIN)/python -m pytest --nbval-lax notebooks
	$(BIN)/portail check

soak: .venv/test      ## Kill the grader at fifty points of each kind (about ten minutes)
	KILL_POINTS=50 $(BIN)/python -m pytest tests/system/test_durability.py

lint: .venv/test      ## Check the style and the formatting of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

lock:                 ## Write the lock files anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --quiet --extra build -o requirements.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --quiet --extra build --extra grader -c requirements.txt -o requirements-grader.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --quiet --extra build --extra room -c requirements-grader.txt -c requirements.txt -o requirements-room.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --quiet --extra dev -c requirements-room.txt -c requirements-grader.txt -c requirements.txt -o requirements-dev.txt

release: .venv/learn  ## Build the exercises' releases, English and French
	$(BIN)/python -m curriculum release

execute: .venv/learn  ## Run every lesson anew and keep its outputs (after a refresh)
	$(BIN)/python -m curriculum execute

stamp: .venv/learn    ## Record that the French cells translate the English ones as they are now
	$(BIN)/python -m curriculum stamp

pages: .venv/learn    ## Render every lesson as an accessible page in build/pages
	$(BIN)/python -m curriculum pages

bundle: .venv/learn   ## Write what a room without internet installs from, in build/room (needs a network, once)
	$(BIN)/python -m curriculum bundle

assessment: .venv/learn  ## Write the session's two tests anew from their bank
	$(BIN)/python -m curriculum assessment

kit: .venv/learn      ## Build the trainer's kit in build/kit, as pages and (with Chromium) PDF
	$(BIN)/python -m curriculum kit

bench: .venv/test     ## Print timings as ratios of systems measured side by side
	$(BIN)/python -m benchmarks

clean:                ## Remove what can be built again (never the learner's workspace)
	rm -rf build dist exercises/release exercises/release-fr exercises/altered .pytest_cache
