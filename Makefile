# The commands people type.  CMake builds (CMakePresets.json), CTest tests, .ci/ holds the steps.
PREFIX ?= /usr/local
DESTDIR ?=
export DESTDIR

.PHONY: build demo test bench install clean help

build: ## build/vitrine and build/vitrine-agent
	@.ci/install-packages build
	@.ci/build release

demo: ## install what is missing, build, and run an MCP session on a real desktop
	@.ci/install-packages build run
	@.ci/build release
	@build/vitrine demo

test: ## install what tests need, and run all of them
	@.ci/install-packages build run test
	@.ci/test

bench: ## the budget table: Vitrine beside what others do (BENCH="--quick --json FILE")
	@.ci/install-packages build run bench
	@.ci/build release
	@tests/bench/run.sh $(BENCH)

install: ## copy both programs below PREFIX (/usr/local); DESTDIR is honoured
	@.ci/install-packages build
	@.ci/build release -DCMAKE_INSTALL_PREFIX="$(PREFIX)"
	@cmake --install build

clean: ## remove everything that was built
	rm -rf build build-debug build-fuzz

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 18
