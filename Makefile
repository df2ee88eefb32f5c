# millrace. `make demo` shows it, `make test` proves it, `make help` lists the rest.
# A thin front for CMake: presets are in CMakePresets.json, everything made goes under build/.

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := build
JOBS ?= $(shell nproc)

.PHONY: help fuzz fuzz-smoke torture torture-kafka conform build demo test check bench bench-standin bench-kafka install deb schedules format clean test-unit test-e2e test-standin test-kafka test-asan

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps-%:
	@scripts/install-deps $*

build/%/build.ninja: CMakeLists.txt CMakePresets.json
	@cmake --preset $* >build-$*.log 2>&1 || { cat build-$*.log; rm -f build-$*.log; exit 1; }; rm -f build-$*.log

build: deps-build build/release/build.ninja ## millrace and the stand-in, in build/release
	@cmake --build build/release -j $(JOBS) -- --quiet

demo: deps-demo ## the whole way on this machine: stand-in, PostgreSQL, load, snapshot, changes, comparison (KEEP=1 leaves it up)
	@$(MAKE) --no-print-directory build
	@scripts/venv
	@build/venv/bin/python scripts/demo.py $(if $(KEEP),--keep)

test: deps-test ## everything: unit, simulation, end to end, checks, and again under sanitizers
	@scripts/test all

check: deps-test ## the quick part of the tests, under a minute
	@scripts/test quick

test-unit: deps-test
	@scripts/test unit

test-e2e: deps-test ## end-to-end tests alone (ARGS="-k name" for some)
	@scripts/test e2e $(ARGS)

test-standin: deps-test ## the stand-in's judges alone: conformance, types and clients (ARGS="-k name" for some)
	@scripts/test standin $(ARGS)

test-kafka: deps-test ## topics alone, beside Kafka, Kafka Connect, Debezium and a schema registry (ARGS="-k name" for some)
	@scripts/test kafka $(ARGS)

test-asan: deps-test ## unit and end-to-end tests under AddressSanitizer and UBSan
	@scripts/test asan

bench: deps-bench ## rows/s beside PostgreSQL's own limit (CASES="direct/insert" ROWS=200000 ROUNDS=5 for a part)
	@$(MAKE) --no-print-directory build
	@scripts/venv
	@build/venv/bin/python bench/bench.py $(if $(CASES),--cases "$(CASES)") $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS))

bench-standin: deps-bench ## what the stand-in's own work costs (ROWS=1000000 RUNS=3)
	@$(MAKE) --no-print-directory build
	@scripts/venv
	@build/venv/bin/python bench/standin.py $(if $(ROWS),--rows $(ROWS)) $(if $(RUNS),--runs $(RUNS))

bench-kafka: deps-test ## topics: millrace beside Kafka Connect with Debezium's connectors (CASES="sink/new" ROWS=200000 ROUNDS=2 WHO=jvm)
	@$(MAKE) --no-print-directory build
	@scripts/venv
	@scripts/kafka
	@build/venv/bin/python bench/kafka.py $(if $(CASES),--cases "$(CASES)") $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(WHO),--who "$(WHO)") $(if $(MINUTES),--minutes $(MINUTES))

schedules: deps-test ## the pure core under random schedules (COUNT=…, or SEED=… to replay one)
	@$(MAKE) --no-print-directory build
	@build/release/schedules $(if $(SEED),--seed $(SEED) --count 1 --verbose,--count $(or $(COUNT),100000))

fuzz: deps-fuzz ## every decoder of foreign bytes, T-SQL and the stand-in as a whole under libFuzzer (TARGET=tds for one, FUZZ_SECONDS=60 each)
	@scripts/fuzz $(or $(FUZZ_SECONDS),60) $(TARGET)

fuzz-smoke: deps-fuzz ## the same, all in a minute
	@scripts/fuzz smoke

conform: deps-test ## tests/conform's probes against a server: DSN="Driver=…;Server=…;UID=…;PWD=…"
	@scripts/venv
	@build/venv/bin/python tests/conform/run.py "$(or $(DSN),$(error DSN is missing))"

torture: deps-test ## faults at random over a running workload, then every row compared (SEED=… FAULTS=…)
	@$(MAKE) --no-print-directory build
	@scripts/venv
	@build/venv/bin/python tests/e2e/torture.py $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS))

torture-kafka: deps-test ## the same with Kafka between the halves: broker, registry, processes and databases killed, topics meddled with (SEED=… FAULTS=…)
	@$(MAKE) --no-print-directory build
	@scripts/venv
	@scripts/kafka
	@build/venv/bin/python tests/kafka/torture_kafka.py $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS))

install: build ## into PREFIX (default /usr/local)
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local)

deb: deps-deb build ## a Debian package in build/release
	@cd build/release && cpack -G DEB

format: ## clang-format over all sources
	@find src standin tests bench docs -name '*.[ch]' -print0 | xargs -0 clang-format-14 -i

clean:
	@rm -rf build
