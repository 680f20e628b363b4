# `make` lists the targets. What they do is in hack/, one script each.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Options of `make demo`; see hack/demo/demo.
AUTO ?=
NAME ?=
GITMOOR ?=
export AUTO NAME GITMOOR
# Options of `make chaos`; see hack/chaos.
MINUTES ?=
KILLS ?=
SEEDS ?=
# Options of `make fuzz`, beside MINUTES; see hack/fuzz.
TARGET ?=
MINIMIZE ?=
export MINUTES KILLS SEEDS TARGET MINIMIZE

##@ Use

.PHONY: demo
demo: ## a cluster, a repository and Gitmoor on this machine; AUTO=1 plays the story by itself
	@hack/demo/demo

.PHONY: test
test: ## all tests, with a real control plane; builds what it needs
	@hack/test

.PHONY: bench
bench: ## the benchmark; takes minutes
	@bench/run

.PHONY: chaos
chaos: ## random stories of commits, edits, faults and kills, for MINUTES=10 and KILLS=50; writes docs/unbreakable.md
	@hack/chaos

.PHONY: fuzz
fuzz: ## what comes from outside, by cargo-fuzz, each TARGET= for MINUTES=10
	@hack/fuzz

##@ Develop

.PHONY: lint
lint: ## formatting and clippy, warnings are errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

.PHONY: crds
crds: ## write deploy/crds
	cargo run --quiet --locked -- crds --kind gitsync >target/gitsyncs.yaml
	cargo run --quiet --locked -- crds --kind microservice >target/microservices.yaml
	mkdir -p deploy/crds
	mv target/gitsyncs.yaml target/microservices.yaml deploy/crds/

.PHONY: book
book: ## the book as HTML, in target/book; needs mdbook
	@type mdbook >/dev/null 2>&1 || { echo 'error: mdbook is missing: cargo install --locked mdbook' >&2; exit 1; }
	mdbook build

.PHONY: check-generated
check-generated: ## whether what is generated and committed is fresh
	@hack/check-generated

.PHONY: licences
licences: ## whether each dependency is under a licence that deny.toml allows, is not banned, and is of the registry
	@hack/release/licences

.PHONY: audit
audit: ## licences and advisories of all dependencies; needs cargo-deny
	cargo deny --locked check

.PHONY: control-plane-up
control-plane-up: ## a Kubernetes to develop against; tells its KUBECONFIG
	@hack/control-plane/control-plane up

.PHONY: control-plane-down
control-plane-down: ## end it
	@hack/control-plane/control-plane down

.PHONY: clean
clean: ## remove what was built here; the programs of the control plane stay in the cache
	cargo clean

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
