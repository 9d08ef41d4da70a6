# loaderd. `make help` lists the targets; README.md says what the thing is.
#
# Needed: Go, Python ≥ 3.10 with venv, a C compiler (for SQLite, and Go's race detector). Everything made stands in this
# tree, in folders that git ignores: bin/, .venv/, dist/, .cache/. `make clean` takes them away.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # the tools inside run in parallel themselves

# Without a home folder to write to, caches and logs go into the tree.
ifneq ($(shell [ -d "$$HOME" ] && [ -w "$$HOME" ] && echo yes),yes)
export HOME := $(CURDIR)/.cache/home
$(shell mkdir -p "$(HOME)")
endif

PYTHON ?=#   the interpreter for .venv; empty: the first of PATH that is new enough
FUZZTIME ?= 30s#   how long `make fuzz` gives each target
LIBDEFLATE ?=#   static, dynamic or no; empty: static where that links, else dynamic, else no
PYTEST ?=#   more arguments for pytest, as in `make test-python PYTEST='-k resume'`
REF ?=#   the commit that `make bench-compare` holds this tree against
BENCH ?=#   more arguments for the benchmark, as in `make bench BENCH='--cells 20000'`

GO_DIRS := $(wildcard cmd ipc sampler mapped registry cache internal bench)
GO_SOURCES := $(shell find $(GO_DIRS) -name '*.go' ! -name '*_test.go' ! -path '*/testdata/*')
VENV := .venv/bin/python
BUILD := $(shell sh internal/build/version.sh)
comma := ,
LDFLAGS := -X github.com/loaderd/loaderd/internal/build.Version=$(BUILD)

# The system's libdeflate, where it is installed, decodes gzip two to four times as fast as Go does (mapped/codec).
ifeq ($(LIBDEFLATE),)
override LIBDEFLATE := $(shell CC='$(CC)' sh internal/build/libdeflate.sh)
endif
ifeq ($(filter static dynamic,$(LIBDEFLATE)),)
override LIBDEFLATE := no
endif
# SQLite (registry) is C, and a first build compiles it for half a minute; Go keeps what came of it.
LINK := $(if $(filter dynamic,$(LIBDEFLATE)),dynamic,$(shell CC='$(CC)' sh internal/build/link.sh))
TAGS := netgo,osusergo,sqlite_omit_load_extension$(if $(filter-out no,$(LIBDEFLATE)),$(comma)libdeflate)
LDFLAGS_static := -linkmode external -extldflags "-static"
GO_BUILD := CGO_ENABLED=1 go build -tags $(TAGS) -trimpath -ldflags '$(strip $(LDFLAGS) $(LDFLAGS_$(LINK)))'

.PHONY: help
help: ## list the targets
	@echo "make TARGET, where TARGET is one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "and may be followed by:"
	@awk -F '\\?=|#' '/^[A-Z]+ \?=/ { sub(/ +$$/, "", $$1); sub(/^ +/, "", $$3); printf "  %-13s %s\n", $$1 "=…", $$3 }' $(MAKEFILE_LIST)

# --- set-up -----------------------------------------------------------------------------------------------

.PHONY: setup
setup: bin/loaderd .venv/.installed ## build bin/loaderd, make .venv with the client and its test tools

# Changes when the version or the way of building changes, and only then.
.cache/version: FORCE
	@mkdir -p $(@D)
	@echo '$(BUILD) $(LIBDEFLATE) $(LINK)' | cmp -s - $@ || echo '$(BUILD) $(LIBDEFLATE) $(LINK)' > $@

.PHONY: FORCE
FORCE:

# Static, unless the C library or libdeflate is there as a shared library alone: one binary serves every Linux of its
# processor, whatever its C library.
bin/loaderd: $(GO_SOURCES) go.mod go.sum .cache/version
	@command -v go >/dev/null || { echo "make: Go is not on PATH; https://go.dev/doc/install has it" >&2; exit 1; }
	$(GO_BUILD) -o $@ ./cmd/loaderd

.venv/.installed: clients/python/pyproject.toml clients/python/hatch_build.py
	@set -eu; for py in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
		if $$py -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then \
			[ -x $(VENV) ] || $$py -m venv .venv; exit 0; \
		fi; \
		[ -z "$(PYTHON)" ] || break; \
	done; echo "make: no Python ≥ 3.10 ($(or $(PYTHON),python3)); say which with make PYTHON=…" >&2; exit 1
	@echo "installing the client, PyTorch and the test tools into .venv; a first time takes some minutes"
	$(VENV) -m pip install --quiet --disable-pip-version-check -e 'clients/python[test]'
	@touch $@

# --- use --------------------------------------------------------------------------------------------------

.PHONY: demo
demo: setup ## train a small classifier on real cells through the daemon
	@$(VENV) clients/python/examples/pbmc_demo.py

.PHONY: bench
bench: setup ## measure loaderd beside other loaders: every table, half an hour; writes bench/RESULTS.md and its chart
	@$(VENV) -m bench $(or $(BENCH),--write)

.PHONY: bench-quick
bench-quick: setup ## parts of that on less data, in three minutes; installs nothing
	@$(VENV) -m bench quick $(BENCH)

.PHONY: bench-compare
bench-compare: setup ## measure this tree beside the commit REF, by turns
	@$(VENV) -m bench against --ref '$(REF)' $(BENCH)

.PHONY: bench-readers
bench-readers: setup ## measure the readers of HDF5 and zarr beside h5py and zarr-python
	@$(VENV) -m bench.readers $(BENCH)

.PHONY: bench-scale
bench-scale: setup ## measure opening 50 million cells in 500 files (5 GB in .cache/)
	@$(VENV) -m bench scale $(BENCH)

.PHONY: wheel
wheel: setup ## build dist/loaderd-….whl, which carries the binary
	@rm -rf dist
	@LOADERD_BUILD_BINARY='$(if $(filter dynamic,$(LINK)),,$(CURDIR)/bin/loaderd)' $(VENV) -m pip wheel --quiet --disable-pip-version-check --no-deps -w dist ./clients/python
	@ls dist/*.whl

# --- test -------------------------------------------------------------------------------------------------

.PHONY: test
test: lint test-go fuzz-short test-python ## every test, Go and Python

.PHONY: lint
lint: setup .cache/bin/staticcheck ## format, vet, staticcheck, ruff, mypy
	@unformatted=$$(gofmt -l $(GO_DIRS)); [ -z "$$unformatted" ] || { echo "gofmt -w $$unformatted" >&2; exit 1; }
	go vet ./...
	.cache/bin/staticcheck ./...
ifneq ($(LIBDEFLATE),no)
	go vet -tags libdeflate ./mapped/codec
	.cache/bin/staticcheck -tags libdeflate ./mapped/codec
endif
	$(VENV) -m ruff check clients/python bench
	$(VENV) -m ruff format --check clients/python bench
	cd clients/python && ../../$(VENV) -m mypy
	$(VENV) -m mypy --config-file bench/pyproject.toml -p bench

.cache/bin/staticcheck: internal/tools/go.mod internal/tools/go.sum
	go -C internal/tools build -o '$(CURDIR)/$@' honnef.co/go/tools/cmd/staticcheck

.PHONY: test-go
test-go: bin/loaderd test-formats ## the Go tests, with the race detector
	go test -race -timeout 10m -skip '^TestEveryFormOfTheMatrix' ./...
ifneq ($(LIBDEFLATE),no)
	go test -race -tags libdeflate ./mapped/codec
endif

# Nothing here runs in parallel with itself, so the race detector, which is in test-go, would find no more, only slowly. It is
# here that every byte of the damaged files is flipped: under the detector, each eleventh or so.
FORMATS := ./mapped ./mapped/h5 ./mapped/zarr -run '^Test(EveryFormOfTheMatrix|ADamagedAnnData|AnyFlippedByte|EveryByteOf)'

.PHONY: test-formats
test-formats: matrix ## every form of file there is against h5py, zarr-python and anndata; and damaged files
	LOADERD_MATRIX='$(CURDIR)/.cache/matrix' go test -timeout 10m $(FORMATS)

.PHONY: formats
formats: matrix ## write docs/formats.md anew, from what the readers do with every form
	LOADERD_MATRIX='$(CURDIR)/.cache/matrix' go test -timeout 10m -p 1 $(FORMATS) -update

# Some hundred small files of every form, and what h5py, zarr-python and anndata read in them.
.PHONY: matrix
matrix: .cache/matrix/matrix.json.gz

.cache/matrix/matrix.json.gz: $(wildcard testdata/matrix/*.py testdata/*_reading.py testdata/*_writing.py) .venv/.installed
	$(VENV) testdata/matrix $(@D)

.PHONY: test-python
test-python: setup wheel ## the Python tests: client, demo, documents, wheel, benchmark
	$(VENV) -m pytest -c bench/pyproject.toml --rootdir . bench/tests
	cd clients/python && ../../$(VENV) -m pytest $(PYTEST)

.PHONY: wheel-test
wheel-test: wheel ## the wheel in an empty environment, without Go
	cd clients/python && ../../$(VENV) -m pytest tests/test_wheel.py $(PYTEST)

.PHONY: fuzz
fuzz: ## every fuzz target, FUZZTIME each
	@sh internal/build/fuzz.sh '$(FUZZTIME)' $(GO_DIRS)

.PHONY: fuzz-short
fuzz-short:
	@$(MAKE) fuzz FUZZTIME=3s

.PHONY: clean
clean: ## remove everything that make made
	@chmod -R u+w .cache 2>/dev/null || true # Go's module cache is read-only
	rm -rf bin dist .venv .cache clients/python/src/loaderd/_bin
