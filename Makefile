# Two commands on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
# Python keeps what it compiles, also where an environment says otherwise: else each program compiles PyTorch anew.
export PYTHONDONTWRITEBYTECODE =
# What is never imported need not be compiled: PyTorch alone has thousands of files, and that took half of the time.
PIP := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt

.PHONY: demo test check docs tour bench clean
.DELETE_ON_ERROR:

demo: .venv/installed            ## train GPT-2 on the bundled story, and let it write
	@$(BIN)/nextword demo $(ARGS)

# Four processes, for many tests wait for servers and pages. Each takes whole files, so that what a file shares is made once.
# Plugins are named, since all that are installed would be loaded in each process.
test: .venv/installed-test       ## the whole suite
	@PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 $(BIN)/python -m pytest -p xdist -p hypothesispytest --numprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/installed-check     ## lint and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

docs: .venv/installed-docs       ## the book: what a code host shows of it, and a site, of which all is made here
	@$(BIN)/python -m docs.readable
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env --write-all -d build/doctrees docs build/docs
	@$(BIN)/python docs/check_site.py build/docs
	@echo "The book is at file://$(CURDIR)/build/docs/index.html"

tour:                            ## count the lines of the files that the README's tour names
	@$(PYTHON) -m docs.tour

bench: .venv/installed-bench     ## nextword beside other programs, on one machine: about half an hour
	@$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf .venv build dist src/*.egg-info

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "nextword needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	    echo "Install a newer Python, then: make PYTHON=python3.12 demo"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "This Python lacks its venv module. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Creating .venv ..."
	@$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing nextword and what it needs (PyTorch is large: a minute or more the first time) ..."
	@$(PIP) --editable '.[serve]'
	@touch $@

# Each program that nextword is compared with is installed on its own: who fails is left out, and the others are not.
# llama.cpp is compiled here, for this very processor. On one machine with AMX its AMX kernels crashed, so they are
# left out: these flags take back what -march=native allows.
.venv/installed-bench: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing nextword and the programs to compare it with (compiling llama.cpp takes some minutes) ..."
	@$(PIP) --editable .
	@case $$(uname -m) in x86_64) flags="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16";; esac; \
	export CFLAGS="$$flags" CXXFLAGS="$$flags" CMAKE_ARGS="-DGGML_NATIVE=ON"; \
	for peer in transformers ctranslate2 "onnxruntime onnx" gguf "--no-binary llama-cpp-python llama-cpp-python"; do \
	    said=$$($(PIP) $$peer 2>&1) || \
	        echo "Not installed, and left out: $${peer##--* }: $$(echo "$$said" | grep -i error | tail -n 1)"; \
	done
	@touch $@

.venv/installed-%: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing nextword with the extra '$*' ..."
	@$(PIP) --editable '.[$*]'
	@touch $@
