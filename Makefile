# make run and make test need nothing but Python 3.11 or newer: they make their own environment.
PYTHON ?= python3
VENV ?= .venv
# Processes that make test runs its tests in; each takes up to 2 GB.
JOBS ?= 2
BIN := $(VENV)/bin

# What a change needs first, each part of the house once; nothing here is slow.
QUICK := tests/packaging/test_packaging_names.py tests/packaging/test_packaging_portable.py \
	tests/sim/test_own_core.py tests/sim/test_sim_pico.py \
	tests/kernels/test_kernels_layers.py tests/kernels/test_kernels_network.py \
	tests/kernels/test_kernels_methods.py tests/experiments/test_configuration.py \
	tests/experiments/test_output.py tests/experiments/test_image.py \
	tests/plots/test_plots_tradeoff.py \
	'tests/experiments/test_device.py::test_device_equals_the_reference_on_random_networks[priot-fast]'

.PHONY: run quick test bench firmware records results torture clean

run: $(VENV)/installed
	mkdir -p out
	$(BIN)/priot costs --json out/costs.json --csv out/costs.csv --figure out/costs.png

quick: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest $(QUICK)

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

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

# The schema of all that is written as JSON, after a change of a record's type (docs/records.md).
records: $(VENV)/installed
	$(BIN)/python -m priot.experiments.records.schema

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
