# Two commands: `make run` shows the product, `make test` proves it.
# Nothing is needed but make and Python 3.11; everything else goes into .venv.

PYTHON := $(shell command -v python3.11 || command -v python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
PORT ?= 8501

.PHONY: run test
.DEFAULT_GOAL := run

run: $(VENV)/.installed
	@$(BIN)/python manage.py init
	@$(BIN)/python manage.py demo --if-empty
	@echo "打开 http://localhost:$(PORT)（按 Ctrl+C 停止）"
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	  (sleep 5; $(BIN)/python -m webbrowser http://localhost:$(PORT) >/dev/null 2>&1) & fi; \
	  exec $(BIN)/python -m streamlit run app.py --server.port $(PORT)

# pytest comes last: its closing line is the last thing printed.
test: $(VENV)/.installed-dev
	@.ci/prepare-system
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "需要 Python 3.11 或更高版本；当前：$$($(PYTHON) --version 2>&1)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || .ci/prepare-system venv
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(BIN)/python
	@echo "安装依赖（首次约需数分钟）…"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(PIP) -r requirements-dev.txt
	@touch $@
