# Everything a person or a CI job runs, by name. `make help` lists it.
# Needed by hand: Go, GNU make, bash, git (and root for a native cluster). Everything else is built from Go modules into
# a cache outside the tree.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The one place of the version is the chart; the images and the binaries follow it.
VERSION := $(shell sed -n 's/^appVersion: "\(.*\)"$$/\1/p' charts/ctr-operator/Chart.yaml)

CACHE := $(or $(CTR_OPERATOR_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ctr-operator)
HELM    ?= $(CACHE)/bin/helm
KUBECTL ?= $(CACHE)/bin/kubectl
TOOL    := go tool -modfile=go.tools.mod
# The workflow linter cannot share a modfile with golangci-lint (two incompatible candidates of one YAML module).
ACTIONLINT := go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

# The race detector needs a C compiler; without one the tests still run, and say so.
RACE := $(if $(shell command -v gcc clang cc 2>/dev/null),-race)
# Packages of `make test`: all but the suite that needs a cluster, which is make e2e's.
TEST_PACKAGES ?= $(shell go list ./... | grep -v '/test/e2e$$')
TEST_FLAGS    ?=
E2E_FLAGS     ?=

# What generate writes. verify regenerates these and fails on a difference.
CHART     := charts/ctr-operator
GENERATED := api/v1alpha1/zz_generated.deepcopy.go config/crd/bases config/rbac/role.yaml $(CHART)/files docs/api.md \
	runtime/kernel/kernels_amd64.s runtime/kernel/kernels_amd64.go hack/bench/engine/limits_amd64.s hack/bench/engine/limits_amd64.go

# compile builds a program of hack/ into bin/hack/, with a sign of life: with an empty build cache it takes minutes.
compile = go build -v -o bin/hack/$(1) ./hack/$(1) 2>&1 | awk '\
	/^go: downloading / { if (++d % 20 == 0) print "  " d " modules downloaded"; fflush(); next } \
	/^[a-zA-Z0-9._\/-]+$$/ { if (++n % 40 == 0) print "  " n " packages compiled"; fflush(); next } \
	{ print; fflush() }'

##@ Build

.PHONY: build
build: ## Build the binaries into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ ./cmd/...

.PHONY: images
images: ## Build the container images as archives into dist/images, tagged with the version, no daemon needed
	go run ./hack/image --out dist/images --only operator,runtime --tag $(VERSION)

.PHONY: generate
generate: ## Regenerate deepcopy, CRD, RBAC, the chart's copies of them, docs/api.md, the vector kernels
	go generate ./runtime/kernel ./hack/bench/engine
	$(TOOL) controller-gen object paths=./api/...
	$(TOOL) controller-gen crd paths=./api/... output:crd:dir=config/crd/bases
	$(TOOL) controller-gen rbac:roleName=ctr-operator paths=./controllers/... output:rbac:dir=config/rbac
	mkdir -p $(CHART)/files/crds
	cp config/crd/bases/*.yaml $(CHART)/files/crds/
	cp config/rbac/role.yaml config/rbac/leader_election_role.yaml $(CHART)/files/
	cp config/rbac/ctrmodel_editor_role.yaml config/rbac/ctrmodel_viewer_role.yaml $(CHART)/files/
	cp test/testdata/demo/v1/model.pkl $(CHART)/files/demo-model.pkl
	$(TOOL) crd-ref-docs --source-path=api/v1alpha1 --config=docs/.crd-ref-docs/config.yaml \
		--templates-dir=docs/.crd-ref-docs --renderer=markdown --output-path=docs/api.md --log-level=ERROR

.PHONY: fmt
fmt: ## Format the Go code
	$(TOOL) golangci-lint fmt

.PHONY: fixtures
fixtures: ## Make the test artifacts anew (needs Python; see hack/fixtures)
	hack/fixtures/run.sh

##@ Check

.PHONY: verify
verify: verify-generated verify-modules verify-go lint verify-manifests verify-chart verify-docs verify-workflows ## Everything that can be checked without running the product
	@echo "verify: all good"

.PHONY: lint
lint: ## golangci-lint over all packages
	$(TOOL) golangci-lint run

.PHONY: verify-generated
verify-generated: ## Regenerate, and fail where that changes anything
	@before=$$(mktemp -d); trap 'rm -rf "$$before"' EXIT
	cp -r --parents $(GENERATED) "$$before"
	$(MAKE) generate
	for path in $(GENERATED); do diff -ruN "$$before/$$path" "$$path" || stale=yes; done
	if [ -n "$${stale:-}" ]; then echo "Generated files were out of date: commit what 'make generate' wrote." >&2; exit 1; fi
	new=$$(git ls-files --others --exclude-standard -- $(GENERATED))
	if [ -n "$$new" ]; then echo "Generated files that git does not know: $$new" >&2; exit 1; fi

.PHONY: verify-modules
verify-modules: ## go.mod is tidy, and the modules are what go.sum says
	go mod tidy -diff
	go mod verify

.PHONY: verify-go
verify-go: ## gofmt and go vet
	@unformatted=$$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 -r gofmt -l)
	if [ -n "$$unformatted" ]; then printf 'Not gofmt-ed (make fmt):\n%s\n' "$$unformatted" >&2; exit 1; fi
	go vet ./...

.PHONY: verify-manifests
verify-manifests: $(KUBECTL) ## config/ and the samples, decoded strictly and validated against the CRD, CEL included
	go run ./hack/verify/manifests -crds config/crd/bases config
	$(KUBECTL) kustomize config/default | go run ./hack/verify/manifests -crds config/crd/bases -

.PHONY: verify-chart
verify-chart: $(HELM) ## helm lint, and every set of values rendered and decoded strictly
	go run ./hack/verify/chart -helm $(HELM)

.PHONY: verify-docs
verify-docs: ## Links resolve, every reason is documented, every make target named exists
	go test ./hack/verify/docs

.PHONY: verify-workflows
verify-workflows: ## The GitHub workflows, and the few shell scripts (with shellcheck where it is installed)
	$(ACTIONLINT) -shellcheck= -pyflakes=
	scripts=$$(git grep -lE '^#!.*\bbash$$')
	for script in $$scripts; do bash -n "$$script"; done
	if command -v shellcheck >/dev/null; then shellcheck $$scripts; else echo "shellcheck is not installed: syntax checked only"; fi

.PHONY: test
test: ## Unit tests and envtest (a real kube-apiserver and etcd), with the race detector
	@assets=$$(go run ./hack/cluster envtest-assets)
	$(if $(RACE),,echo "The race detector is off: there is no C compiler.")
	KUBEBUILDER_ASSETS=$$assets go run ./hack/verify/testsum $(RACE) $(TEST_FLAGS) $(TEST_PACKAGES)

.PHONY: test-plain
test-plain: ## What computes, once more with the kernels in Go, which processors without AVX2 use
	CTR_KERNEL=plain go run ./hack/verify/testsum $(TEST_FLAGS) \
		./runtime/engine ./runtime/op ./runtime/model ./runtime/format/onnx ./runtime/format/keras ./runtime/format/savedmodel
	go run ./hack/verify/testsum -tags purego ./runtime/kernel ./runtime/engine

FUZZ_TIME ?= 10m
FUZZ_JOBS ?= $(shell nproc)

.PHONY: fuzz
fuzz: ## Every fuzz target, FUZZ_TIME (10m) each; what it finds is in the package's testdata/fuzz
	@git grep -o '^func Fuzz[A-Za-z0-9]*' -- '*_test.go' | while IFS=: read -r file target; do
		echo "$$(dirname $$file) $${target#func }"
		go test "./$$(dirname $$file)" -run '^$$' -fuzz "^$${target#func }$$" -fuzztime $(FUZZ_TIME) -fuzzminimizetime 10x \
			-parallel $(FUZZ_JOBS)
	done

.PHONY: e2e
e2e: ## The end-to-end specs on a real cluster (CLUSTER=native|kind|existing)
	go run ./hack/cluster up
	E2E=1 go run ./hack/verify/testsum -live -timeout=100m -count=1 ./test/e2e -ginkgo.v $(E2E_FLAGS)

.PHONY: bench
bench: ## Measure the runtime, beside nginx where it is installed
	@$(call compile,bench)
	bin/hack/bench

.PHONY: bench-engine
bench-engine: ## Measure the model engine beside ONNX Runtime, TensorFlow and scikit-learn (needs Python 3.11, gcc)
	@go build -o bin/hack/bench-engine ./hack/bench/engine
	bin/hack/bench-engine

##@ Try

.PHONY: demo
demo: ## A cluster, the operator, a model, a canary, a bad version: the whole story on the terminal
	@echo "Compiling the demo"
	$(call compile,demo)
	bin/hack/demo

.PHONY: demo-down
demo-down: ## Take away what demo and e2e made (the cache stays)
	go run ./hack/demo down

.PHONY: cluster-up
cluster-up: ## Only the cluster
	go run ./hack/cluster up

.PHONY: cluster-down
cluster-down: ## Take the cluster down
	go run ./hack/cluster down

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(CACHE)/bin/helm $(CACHE)/bin/kubectl:
	go run ./hack/cluster build --only $(notdir $@)
