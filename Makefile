# Needs Python 3.11 or later, make and git; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
CHECK := import sys; sys.version_info >= (3, 11) or sys.exit(f"cnninv needs Python 3.11 or later; {sys.executable} is {sys.version.split()[0]}. Try: make PYTHON=python3.12")

.PHONY: help reproduce test chapters book assignments grade bench lint format readme record clean
.DELETE_ON_ERROR:

help:
	@echo "make reproduce   run every experiment at quick scale; prints where the report is"
	@echo "make test        unit, property and doc tests, and the chapters against their stored outputs"
	@echo "make chapters    execute the chapters anew, check them, render them to build/chapters"
	@echo "make book        the web book, from the chapters as they are stored, in build/book/html"
	@echo "make assignments the student edition of the problem sets, in build/course/release"
	@echo "make grade       SUBMISSIONS=FOLDER: points and feedback, in build/course"
	@echo "make bench       speed and memory beside peers and physical limits; RECORD=1 stores the table"
	@echo "make lint        formatting and lint of code and chapters"
	@echo "make format      formatting and safe fixes"
	@echo "make readme      rewrite the generated tables of the README"
	@echo "make record      run every experiment at paper scale (over an hour) and store the results in data/"

reproduce: .venv/core
	$(BIN)/cnninv run all --scale quick --out out

# a process for each core, with one BLAS thread each
test: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile tests cnninv
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbval chapters

# one BLAS thread: on a busy machine two wait for each other, and a chapter has a budget
chapters: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/python chapters/build.py

# REPOSITORY=https://github.com/OWNER/NAME adds links that run a chapter on Binder and Colab
book: .venv/dev
	$(BIN)/python book/build.py --repository "$(REPOSITORY)"

assignments: .venv/dev
	$(BIN)/python chapters/exercises/course.py assignments

grade: .venv/dev
	@test -n "$(SUBMISSIONS)" || { echo "make grade needs SUBMISSIONS=FOLDER, with STUDENT/SET/SET.ipynb in it" >&2; exit 2; }
	$(BIN)/python chapters/exercises/course.py grade "$(SUBMISSIONS)"

bench: .venv/dev
	$(BIN)/python tests/benchmarks/run.py $(if $(RECORD),--record)

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: .venv/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

readme: .venv/dev
	$(BIN)/python tests/write_readme.py

record: .venv/core
	$(BIN)/python data/record.py fig1 phase theorem31 fig2 photograph

clean:
	rm -rf .venv build out .pytest_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c '$(CHECK)'
	$(PYTHON) -m venv .venv

.venv/core: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@ .venv/core
