# Everything Berth does from a checkout. `make train` and `make test` need nothing before them
# but Debian and Swift; `make help` lists the rest.
SHELL := /bin/bash
SWIFT_BUILD := swift build -c release
BERTH := .build/release/berth

CONFIG ?= configs/train/cluster-ppo.yaml
OUT ?= runs/cluster-ppo
SEED ?= 0
EVALUATION ?= configs/evaluate/heldout.yaml
SEEDS ?= 20
SERVE ?= configs/serve/extender.yaml

# A run goes on where it stopped, unless another configuration or seed is asked for.
RESUMABLE = $(if $(filter file,$(origin CONFIG)),$(if $(filter file,$(origin SEED)),$(wildcard $(OUT)/checkpoints/*.h5)))

.PHONY: help setup setup-test build python test train evaluate serve bench lint format image testbed-up testbed-down \
	minikube-up minikube-verify minikube-down clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

setup: ## install the C libraries that are missing
	@scripts/setup.sh

setup-test: setup
	@scripts/setup.sh --test

build: setup ## build the berth command, optimised
	$(SWIFT_BUILD) --product berth

python: setup ## the Gymnasium package: builds its library, installs it into .venv
	$(SWIFT_BUILD) --product berthenv
	[ -x .venv/bin/python ] || python3 -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -e python

train: build ## train a policy in the simulator, or go on with the run in OUT=: CONFIG=, SEED=
	$(BERTH) train $(if $(RESUMABLE),--resume $(OUT),--config $(CONFIG) --seed $(SEED) --out $(OUT))

evaluate: build ## compare the policy in OUT= with the baselines on held-out conditions: EVALUATION=, SEEDS=
	$(BERTH) evaluate --policy $(OUT) --config $(EVALUATION) --seeds $(SEEDS) --json $(OUT)/evaluation.json

serve: build ## answer a kube-scheduler as its extender: SERVE=
	$(BERTH) serve --config $(SERVE)

bench: build ## speed of the hot paths
	$(BERTH) bench

test: setup-test ## install what the tests need and run all of them
	swift build -c release --build-tests
	swift test -c release --skip-build

lint: ## formatting of Swift, shell scripts
	swift format lint --strict --recursive Package.swift Sources Tests
	shellcheck -x $$(git ls-files '*.sh')

format: ## rewrite Swift in the project's format
	swift format --in-place --recursive Package.swift Sources Tests

image: build ## pack berth and the policy in OUT= into a container image for the testbed
	scripts/testbed/image.sh $(OUT)

testbed-up: ## a real two-node Kubernetes on this machine, without a container engine
	@scripts/testbed/testbed.sh up

testbed-down: ## stop it and leave no trace but the cached build
	@scripts/testbed/testbed.sh down

minikube-up: ## a two-node Minikube with pinned CPUs, where docker and minikube are
	@scripts/minikube/up.sh

minikube-verify: ## check its pinning from outside, from inside and through Kubernetes
	@scripts/minikube/verify.sh

minikube-down: ## delete it
	@scripts/minikube/down.sh

clean: ## remove what was built
	rm -rf .build
