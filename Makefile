# make run and make test need nothing but Python 3.11 or newer: they make their own environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: run test bench firmware results torture clean

run: $(VENV)/installed
	mkdir -p out
	$(BIN)/priot costs --json out/costs.json --csv out/costs.csv --figure out/costs.png

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks --json out/benchmarks.json

# The robustness suite, an hour: docs/reliability.md. Started again, it goes on where it stood.
# MNIST names the folder of full MNIST, so that pre-training is killed too.
torture: $(VENV)/installed-dev
	$(BIN)/python tests/torture $(if $(MNIST),--mnist $(MNIST)) --json results/torture.json \
		--csv results/torture.csv

# Needs Debian's gcc-arm-none-eabi; gives the committed files bit for bit.
firmware: $(VENV)/installed
	$(BIN)/python -m priot.experiments.device.generate
	$(BIN)/python -m priot.firmware_elf.build

# Everything under results/; runs that are in results/runs/ are not repeated. MNIST names the folder
# of full MNIST; without it, that of priot download. CIFAR names the folder of CIFAR-10; without it,
# VGG11 is left out.
results: $(VENV)/installed
	$(BIN)/priot paper $(if $(MNIST),--data $(MNIST))
	$(if $(CIFAR),$(BIN)/priot paper --network vgg11 --data $(CIFAR))
	$(BIN)/python -m benchmarks --json results/benchmarks.json

$(VENV)/installed: pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) out
