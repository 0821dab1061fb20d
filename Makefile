# `make train` and `make test` set up what they need, once, in .venv.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
RUN := $(VENV)/bin/python
# A file stays in one process; tests/conftest.py says which are begun first.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: train test slow faults lint wheel page docs clean

train: $(STAMP)
	$(RUN) -m elf_keras.train --flagfile=experiments/digits_lt.flags \
		--workdir=runs/digits_lt --resume

test: $(STAMP) lint
	$(RUN) -m pytest $(PARALLEL) -m "not slow"

slow: $(STAMP)
	$(RUN) -m pytest $(PARALLEL) -m slow

# The figures go to benchmarks/results/faults.json, and from there into the
# documentation; stopped after 20 minutes where there is a command that can.
faults: $(STAMP)
	$$(command -v timeout > /dev/null && echo timeout --foreground 20m) \
		$(RUN) -m pytest -m faults tests/faults
	$(RUN) -m benchmarks.faults_table

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

wheel: $(STAMP)
	$(RUN) -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

# The runtime of the browser demo; nothing of it is committed.
page:
	@command -v npm > /dev/null || \
		{ echo "make page needs npm (Node.js 20 or later)"; exit 1; }
	mkdir -p build/page
	cp elf_keras/demo/page/package.json elf_keras/demo/page/package-lock.json \
		build/page
	npm ci --prefix build/page --ignore-scripts --no-audit --no-fund

# The documentation as a site, in build/site.
docs: $(STAMP)
	$(RUN) -m mkdocs build --strict

clean:
	rm -rf $(VENV) dist build

# The stamp is newer than what it was installed from: no second set-up.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; v = sys.version_info[:2]; \
		sys.exit(0 if (3, 10) <= v < (3, 14) else \
		f'elf_keras needs Python 3.10 to 3.13, not {v[0]}.{v[1]}: run make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)
	# The pip of Python 3.10 mistakes locked extras for unpinned ones.
	$(RUN) -m pip install --quiet --disable-pip-version-check pip==25.3
	$(RUN) -m pip install --quiet --disable-pip-version-check \
		--require-hashes -r requirements.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	touch $(STAMP)
