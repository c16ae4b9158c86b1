# make demo        venv, base install (no torch), synth generate --corpus fr_rules/, three triplets
# make demo-train  venv, full install, documents to a measured multilingual-e5-small, its phone bundle, and an answer from it
# make test        venv, full install, the fast tests (offline, no server)
# make test-slow   the real servers, browser, conversions and kills
# make lint        ruff, strict mypy, import-linter
# make bench      benchmarks/ beside their peers, each in a venv of its own, into benchmarks/README.md (SIZE=3, TURNS=3, ONLY=duplicates, PDFS=folder)
# make audit       licences of everything in constraints.txt (offline) into docs/licences.md, then pip-audit (asks a service)
# make docs        docs/cli.md, written from the commands' own --help
# make site        the documentation as a site in site/, warnings as errors

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN ?= run
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: demo demo-train test test-slow lint docs site bench audit clean

# An install is done once for each state of the two files that decide it.
$(VENV)/.base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Triplette needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable . --constraint constraints.txt
	touch $@

$(VENV)/.all: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Triplette needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable '.[all,dev,docs]' --constraint constraints.txt
	touch $@ $(VENV)/.base

demo: $(VENV)/.base
	$(BIN)/synth generate --corpus fr_rules/ --run $(RUN)

demo-train: $(VENV)/.all
	$(BIN)/synth generate --corpus fr_rules/ --run $(RUN)
	$(BIN)/curate judge --run $(RUN)
	$(BIN)/curate dedup --run $(RUN)
	$(BIN)/curate build --gold gold/fr_rules.jsonl --drop-touching --run $(RUN)
	$(BIN)/train run --config demo.toml --ungated --export-anyway --run $(RUN)
	$(BIN)/train ask "Combien de minutes ajoute-t-on à l'adversaire après un premier coup illégal ?" --bundle $(RUN)/bundle

# A process for each core, one thread in each: servers and models that a file shares are made once, so a file stays in one process.
# In the files' order: by the number of their tests, xdist's own, the longest (the chain's four commands) came last and one core had nothing to do.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test: $(VENV)/.all
	$(PYTEST) -m 'not slow and not gpu'

test-slow: $(VENV)/.all
	$(PYTEST) -m 'slow and not gpu' --durations 30

lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.all
	$(BIN)/python docs/write_cli.py

# NO_MKDOCS_2_WARNING: the theme's notice that it has a successor is no warning about our pages
site: $(VENV)/.all
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Goes on where it was stopped; what is measured stays in .benchmarks/ and is not measured again without AGAIN=1.
SIZE ?= 1
TURNS ?= 3
bench: $(VENV)/.all
	$(BIN)/python benchmarks/bench.py --size $(SIZE) --turns $(TURNS) $(if $(ONLY),--only $(ONLY)) $(if $(PDFS),--pdfs $(PDFS)) $(if $(AGAIN),--again)

# pip-audit has an environment of its own, so that it changes no version here. Its exit code says nothing about packages that it could not
# ask about: docs/tell_audit.py does.
audit: $(VENV)/.all
	$(BIN)/python docs/write_licences.py
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	@rm -f $(VENV)/audit/found.json
	@$(VENV)/audit/bin/pip-audit --no-deps --disable-pip --requirement constraints.txt --format json --output $(VENV)/audit/found.json \
		2> $(VENV)/audit/said.txt || test -f $(VENV)/audit/found.json || cat $(VENV)/audit/said.txt >&2
	$(BIN)/python docs/tell_audit.py $(VENV)/audit/found.json

clean:
	rm -rf $(VENV) .pythons .pythons.log build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
