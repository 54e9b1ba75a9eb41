# make demo         validate, plan, apply and verify on the embedded emulator
# make test         run the tests
# make model        explore every interleaving of the write protocols, and print the bounds and laws
# make lint         ruff, mypy --strict, the import contracts, hadolint and shellcheck
# make format       fix what ruff can fix
# make bench        measure against reference programs, and print ratios (an hour)
# make bench-quick  the same with small sizes (a minute)
# make bench-page   make the tables and plots of the documentation from the results of make bench
# make bench-rehearsals  compare rehearsals with what the same applies then do (ten minutes)
# make docs         build the documentation as a site
# make reference    generate the reference pages of the documentation
# make picture      draw the README's picture of a plan
# make screenshots take the pictures of the HTML report (needs chromium and chromium-driver)
# make lock         update the lock files from pyproject.toml (needs uv)
# make release      build and check the files of a release in dist/; uploads nothing
# make audit        bandit, and known vulnerabilities of the locked dependencies
# make test-lowest  run tests with the lowest versions that pyproject.toml allows
# make test-browser test the HTML report in Chromium (needs chromium and chromium-driver)
# make clean        remove everything that these targets create

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

BROWSER     := $(VENV)-browser
TOOLS       := $(VENV)-release
TOOLS_READY := $(TOOLS)/.ready

.PHONY: demo test model lint format bench bench-quick bench-page bench-rehearsals docs reference picture screenshots lock release audit test-lowest test-browser clean

demo: $(READY)
	@$(BIN)/peak-reconciler demo

# The bytecode of the tests is kept, also where the environment says not to: else each worker compiles them.
test: $(READY)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest $(ARGS)

model: $(READY)
	@$(BIN)/python tests/apply/print_model.py $(ARGS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	git ls-files -z '*Dockerfile' | xargs -0 $(BIN)/hadolint
	git grep -lzE '^#!.*[/ ](ba)?sh$$' | xargs -0 $(BIN)/shellcheck

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	@$(BIN)/python benchmarks/run.py --results benchmarks/results.json $(ARGS)

bench-quick: $(READY)
	@$(BIN)/python benchmarks/run.py --quick $(ARGS)

bench-page: $(READY)
	$(BIN)/python benchmarks/pages.py benchmarks/results.json

bench-rehearsals: $(READY)
	@$(BIN)/python benchmarks/rehearsals.py $(ARGS)

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

reference: $(READY)
	PYTHONPATH=scripts $(BIN)/python -m reference

picture: $(READY)
	$(BIN)/python scripts/picture.py

screenshots: $(BROWSER)/.ready
	$(BROWSER)/bin/python scripts/screenshots.py

LOCK := uv pip compile --universal --python-version 3.10 --generate-hashes --no-header --no-emit-index-url

lock:
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) --extra emulator --extra fleet --group dev --constraint requirements.lock pyproject.toml -o requirements-dev.lock
	$(LOCK) --group pyproject.toml:build --constraint requirements-dev.lock -o requirements-build.lock
	$(LOCK) --group pyproject.toml:browser --constraint requirements-dev.lock -o requirements-browser.lock
	$(LOCK) --group pyproject.toml:docs --constraint requirements-dev.lock -o requirements-docs.lock
	$(LOCK) --group release -o requirements-release.lock

release: $(TOOLS_READY)
	@$(TOOLS)/bin/python scripts/release.py $(ARGS)

audit: $(TOOLS_READY)
	$(TOOLS)/bin/bandit --quiet --configfile pyproject.toml --recursive reconciler scripts
	$(TOOLS)/bin/python scripts/audit.py requirements.lock $(ARGS)

test-lowest: $(TOOLS_READY)
	@TOOLS=$(TOOLS) PYTHON=$(PYTHON) scripts/test-lowest $(ARGS)

# Hypothesis is left out: a package that selenium needs has a plugin for it, which warns.
test-browser: $(BROWSER)/.ready
	$(BROWSER)/bin/python -m pytest -n 0 -p no:hypothesispytest tests/browser

clean:
	rm -rf $(VENV) $(BROWSER) $(TOOLS) dist build site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# First the lock file (with hashes), then the project itself, editable.
$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or newer is needed; found $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "This Python cannot make virtual environments: install its venv module (Debian: python3-venv)."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

$(TOOLS_READY): requirements-release.lock
	$(PYTHON) -m venv --clear $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-release.lock
	@touch $(TOOLS_READY)

$(BROWSER)/.ready: requirements-dev.lock requirements-browser.lock pyproject.toml
	$(PYTHON) -m venv --clear $(BROWSER)
	$(BROWSER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements-dev.lock -r requirements-browser.lock
	$(BROWSER)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.docs: $(READY) requirements-docs.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@
