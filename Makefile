# Each target is one job. README names them and .ci/run calls the same.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := check
.PHONY: demo demo-down test check quick bench bench-serving bench-conformance soak soak-serving fuzz-serving engines test-engines schema golden docs lock clean

BIN := .venv/bin
INSTALLED := .venv/.mlsystem-installed
PYTEST := $(BIN)/python -m pytest
# Where it is set every process, of which tests start many, compiles again all that it imports.
unexport PYTHONDONTWRITEBYTECODE

demo: $(INSTALLED)  ## from an empty folder to a live endpoint on the flights example; PORT=8081 where 8080 is taken
	$(BIN)/python tools/demo.py $(if $(PORT),--port $(PORT))

demo-down: $(INSTALLED)  ## leaves nothing of the demo running
	$(BIN)/python tools/demo.py --down

test: $(INSTALLED)  ## everything but the long runs
	$(PYTEST) -m "not soak and not engines" -n auto --dist loadgroup --no-loadscope-reorder

quick: $(INSTALLED)  ## what runs in seconds
	$(PYTEST) -m "not soak and not slow and not engines" -n auto --dist loadgroup --no-loadscope-reorder

soak: $(INSTALLED)  ## the long runs alone: kills at many moments, hours of requests
	$(PYTEST) -m soak

engines:  ## builds what the generated artefacts are meant for (Kubernetes, Pulumi, Argo, ...); needs Go; NAMES="kube kwok" for some
	PYTHONPATH=tests/engines/support $${PYTHON:-python3} -m engines.build $(NAMES)

test-engines: $(INSTALLED)  ## the tests that need them; those of an absent one are skipped
	$(PYTEST) -m "engines and not soak" -rs -n 2 --dist loadfile tests/engines

check: $(INSTALLED)  ## style, types, and generated files that are out of date
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tools tests/test_*.py tests/engines
	$(BIN)/python tools/generate.py --check

bench: $(INSTALLED)  ## measures, and writes bench/README.md
	$(BIN)/python bench/run.py

bench-serving: $(INSTALLED)  ## the server beside BentoML, LitServe, MLServer, KServe; writes bench/serving/README.md; needs uv and wrk
	$(BIN)/python bench/serving/run.py $(NAMES)

soak-serving: $(INSTALLED)  ## half an hour of steady load, in which nothing may grow; needs wrk; MINUTES=2 for less
	$(BIN)/python bench/serving/soak.py --minutes $(or $(MINUTES),30)

fuzz-serving: $(INSTALLED)  ## an hour of requests that no client should send; MINUTES=5, as in CI, for less; SEED=2 for others
	$(BIN)/python bench/serving/fuzz.py --minutes $(or $(MINUTES),60) --seed $(or $(SEED),1)

bench-conformance: $(INSTALLED)  ## scores of our server and others in the inference protocol; needs uv, and PyPI the first time
	$(BIN)/python bench/serving/conformance.py

schema docs golden graphs: $(INSTALLED)  ## writes the generated files of that kind again
	$(BIN)/python tools/generate.py $@

lock: $(INSTALLED)  ## pins again what images install, from templates/images/*.in and constraints.txt; needs uv
	$(BIN)/python tools/lock.py

clean:  ## removes what was built, and the demo; the virtual environment stays
	$(if $(wildcard $(INSTALLED)),$(BIN)/python tools/demo.py --down)
	rm -rf demo build dist .mypy_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt tools/install
	tools/install .venv
	touch $@
