# `make` lists what there is. libtorch.mk gets libtorch and builds the C++ half; this file is the rest.
.DEFAULT_GOAL := help
SHELL         := /bin/sh
MAKEFLAGS     += --jobs=2 --no-print-directory

ifneq ($(filter cuda gpu-check,$(MAKECMDGOALS)),)
DEVICE := cuda
endif
ifneq ($(filter arm64,$(MAKECMDGOALS)),)
override PLATFORM := Linux-aarch64
endif
include libtorch.mk

# tools/go.mod pins these programs, and tools/go.sum has their hashes.
TOOL        := go tool -modfile=tools/go.mod
VERSION     := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
GO_SOURCES  := $(shell find . -path ./build -prune -o -name '*.go' ! -name '*_test.go' -print) torchx/torchx.h report/page.html serve/openapi.yaml $(wildcard serve/pages/*.html web/*.css web/*.js)

##@ Use
.PHONY: train report info help
train: build ## Train. Variables: DEVICE=auto|cpu|cuda EPOCHS= BATCH_SIZE= LR= SEED= ARGS='…'
	@bin/lenet train $(if $(DEVICE),--device '$(DEVICE)') $(if $(EPOCHS),--epochs '$(EPOCHS)') $(if $(BATCH_SIZE),--batch-size '$(BATCH_SIZE)') \
	  $(if $(LR),--lr '$(LR)') $(if $(SEED),--seed '$(SEED)') $(ARGS)

# The whole of the lab report: both of its sweeps, once with fresh weights and once as it did them, its final run and its nine predictions.
REPORT := runs/report
report: build ## The lab report's whole experiment: runs/report/report.html. Takes five to twenty minutes
	@rm -rf $(REPORT)
	@for how in fresh carry-over; do flag=$$(test $$how = fresh || echo --carry-over); \
	  bin/lenet tune --lr 0.15:1.5:0.15 --batch-size 64 --epochs 10 $$flag $(ARGS) --out $(REPORT)/lr-$$how && \
	  bin/lenet tune --batch-size 32,64,128,256,512 --epochs 10 $$flag $(ARGS) --out $(REPORT)/batch-size-$$how || exit; done
	@bin/lenet train $(ARGS) --out $(REPORT)/final
	@bin/lenet predict --model $(REPORT)/final
	@bin/lenet report --original --title 'The 2020 lab report, by lenet' --out $(REPORT)/report.html $(REPORT)/lr-fresh $(REPORT)/lr-carry-over $(REPORT)/batch-size-fresh $(REPORT)/batch-size-carry-over $(REPORT)/final

info: build ## Versions, devices, threads
	@bin/lenet info

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {print "\n" substr($$0, 5) ":"} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile
	@echo; echo "Variables: LIBTORCH=/path or LIBTORCH_ZIP=FILE-or-URL for a libtorch of your own ($(LIBTORCH_VERSION))"

##@ Build and test
.PHONY: build test check fuzz soak asan sanitized sanitized-tests sanitized-training vulncheck sbom docs tensorboard readers browser cuda arm64 gpu-check bench bench-recipes bench-go bench-kernels image env clean
# Python programs lie in the cache under their requirements' checksum, installed from files whose hashes requirements.txt has.
pinned = $(CACHE)/$(1)-$(shell cksum <$(2)/requirements.txt | cut -d' ' -f1)
install_pinned = test -x '$(1)/bin/python' || { rm -rf '$(1).tmp' && python3 -m venv '$(1).tmp' && '$(1).tmp/bin/pip' install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: --requirement $(2)/requirements.txt && mv '$(1).tmp' '$(1)'; }
BENCH = $(call pinned,pytorch,bench)
build: $(BUILD)/bin/lenet ## bin/lenet

$(BUILD)/bin/lenet: $(GO_SOURCES) go.mod go.sum scripts/link.sh | $(NATIVE) $(LINK_ONLY)
	@mkdir -p $(@D)
	@echo 'go   bin/lenet' >&2
	@$(GO_ENV) go build -ldflags "-X main.version=$(VERSION) -extld=$(CURDIR)/scripts/link.sh '-extldflags=-Wl,-rpath,$(subst $$,\$$,$(ORIGIN))/../lib'" -o $@ ./cmd/lenet
	@$(if $(CROSS),,ln -sfn build/bin bin)

# What only tests need: the GPU's kernels, emulated.
TESTED := $(if $(filter Linux-%,$(PLATFORM)),$(BUILD)/lib/libtorchx_emulated.$(SO))

test: native $(TESTED) ## The tests: go vet, go test
	@$(GO_ENV) go vet ./...
	@$(GO_ENV) go test -count=1 -p 2 ./...

check: native $(TESTED) $(BUILD)/test/team $(BUILD)/test/emulator ## What CI adds to the tests: the race detectors of Go and C++, the emulator's checks, gofmt, staticcheck
	@test -z "$$(gofmt -l .)" || { echo 'not gofmt-ed:'; gofmt -l .; exit 1; }
	@$(GO_ENV) $(TOOL) staticcheck ./...
	@$(BUILD)/test/team
	@$(BUILD)/test/emulator
	@python3 -B -m unittest discover -q -s bench -p '*_test.py'
	@$(GO_ENV) go test -race -short -count=1 -p 2 ./...

FUZZTIME ?= 1m
fuzz: native ## Fuzzes each decoder of files for FUZZTIME=1m
	@$(GO_ENV) scripts/fuzz.sh $(FUZZTIME)

soak: native ## Whether memory, files, threads or goroutines grow in 2,000 epochs, 10,000 evaluations and so on. Takes a minute
	@$(GO_ENV) go test -tags soak -run Soak -count=1 -v ./train

# Our C++ and gotorch's, the emulated kernels, and the Go code: libtorch has no sanitizers in it. docs/reliability.md explains the options.
asan: ## torchx's tests and a short training with AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) SANITIZE=address,undefined DEVICE=cpu sanitized

SANITIZED := LD_LIBRARY_PATH=$(BUILD)/lib ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
sanitized: sanitized-tests sanitized-training
sanitized-tests: native $(TESTED)
	@$(SANITIZED) $(GO_ENV) go test -asan -gcflags=lenet/torchx/reference=-asan=false -short -count=1 -skip 'TestTheKernelsSumsStayInRegisters|TestALossThatIsNotFiniteChangesNoGradient/CUDA' ./torchx

sanitized-training: native
	@$(GO_ENV) go build -asan -o $(BUILD)/bin/lenet ./cmd/lenet
	@scripts/first-images.sh $(CACHE)/datasets/mnist $(BUILD)/mnist-512
	@for recipe in report fast; do for kernels in fused reference; do \
	  $(SANITIZED) $(BUILD)/bin/lenet train --data $(BUILD)/mnist-512 --device cpu --recipe $$recipe --kernels $$kernels --epochs 2 --no-progress --force --out $(BUILD)/run || exit; done; done

# The Go project publishes its database of vulnerabilities as a Go module, too.
vulncheck: native ## Known vulnerabilities in what lenet calls, as of the day that tools/go.mod has; of today with VULNDB=https://vuln.go.dev
	@db='$(VULNDB)'; module=golang.org/x/vulndb; \
	  test -n "$$db" || { go mod download -modfile=tools/go.mod $$module && db="file://$$(go list -modfile=tools/go.mod -m -f '{{.Dir}}' $$module)/data/osv"; } && \
	  echo "vulnerabilities of $${db##*/mod/}" >&2 && \
	  $(GO_ENV) $(TOOL) govulncheck -format json -db "$$db" ./... >$(BUILD)/vulnerabilities.json && python3 scripts/vulncheck.py <$(BUILD)/vulnerabilities.json

sbom: build ## What bin/lenet is made of, as a CycloneDX list: build/lenet.cdx.json
	@$(TOOL) cyclonedx-gomod bin -json -std -noserial -output $(BUILD)/modules.cdx.json $(BUILD)/bin/lenet
	@python3 scripts/sbom.py $(BUILD) $(LIBTORCH_VERSION) $(WHEELS) $(if $(CUDA),$(CUDA_WHEELS)) >$(BUILD)/lenet.cdx.json
	@$(GO_ENV) go test -tags sbom -run SBOM -count=1 ./cmd/lenet

docs: native ## Writes docs/cli.md anew, from the flags
	@$(GO_ENV) go test ./cmd/lenet -count=1 -run TestTheManualIsCurrent -update

TENSORBOARD = $(call pinned,tensorboard,tensorboard)
tensorboard: native ## Tests that the real TensorBoard reads what --tensorboard writes; installs it into the cache
	@$(call install_pinned,$(TENSORBOARD),tensorboard)
	@PYTHON='$(TENSORBOARD)/bin/python' $(GO_ENV) go test -count=1 -tags tensorboard ./tensorboard

READERS := $(CACHE)/readers-$(shell cat export/readers/requirements.txt export/readers/package-lock.json scripts/readers.sh 2>/dev/null | cksum | cut -d' ' -f1)
readers: build $(if $(filter Linux-x86_64,$(PLATFORM)),$(CUDA_DIR)) ## Tests that ONNX Runtime and PyTorch read lenet's files; installs them (1.8 GB, and CUDA's libraries) into the cache
	@test $(PLATFORM) = Linux-x86_64 || { echo 'make readers: what it installs is pinned for Linux on x86_64, and this is $(PLATFORM)' >&2; exit 1; }
	@test -d '$(READERS)' || scripts/readers.sh '$(READERS)' '$(CUDA_DIR)/lib'
	@PYTHON='$(READERS)/bin/python' NODE='$(READERS)/bin/node' NODE_MODULES='$(READERS)/node_modules' LENET='$(CURDIR)/bin/lenet' \
	  $(GO_ENV) go test -count=1 -tags readers ./export/readers

browser: build ## Tests the pages in Chromium, which it installs where it is root on Debian; SHOTS=DIR takes pictures of them
	@scripts/chromium.sh
	@cd web/browser && LENET='$(CURDIR)/bin/lenet' GOFLAGS= go test -count=1 . $(if $(SHOTS),-shots '$(abspath $(SHOTS))')

cuda: native $(BUILD)/test/plug_in ## Builds the CUDA plug-in too, tests that it loads, and what it asks of CUDA; needs no GPU
	@$(BUILD)/test/plug_in
	@$(GO_ENV) go test -tags cuda -run CUDA -count=1 ./cmd/lenet

# The data set that the tests of train have fetched is cut short for bin/lenet. On arm64 itself nothing is emulated.
GO_TEST := go test -count=1 $(if $(EMULATOR),-exec '$(EMULATOR)')
arm64: build $(TESTED) ## Builds for Linux on arm64; tests there, emulated, the operators, the model and a short training
	@$(GO_ENV) $(GO_TEST) ./torchx ./model
	@$(GO_ENV) $(GO_TEST) -run 'TestRunLeavesConfigMetricsAndWeights|TestFusedAndReferenceKernelsTrainAlike' ./train
	@scripts/first-images.sh $(CACHE)/datasets/mnist $(BUILD)/mnist-512
	@$(EMULATOR) $(BUILD)/bin/lenet train --data $(BUILD)/mnist-512 --device cpu --recipe fast --epochs 3 --batch-size 64 --no-progress --force --out $(BUILD)/run

GPU_CHECK := $(BUILD)/gpu-check
gpu-check: build $(TESTED) ## Packs build/gpu-check.tar.gz, for a machine with a GPU: checks and timings, by gpu-check.sh in it
	@bin/lenet fetch mnist >/dev/null
	@rm -rf $(GPU_CHECK) && mkdir -p $(GPU_CHECK)/bin $(GPU_CHECK)/lib $(GPU_CHECK)/cache/lenet/datasets/mnist
	@for p in torchx train; do $(GO_ENV) GOFLAGS= go test -c -tags gpu -ldflags '-s -w' -o $(GPU_CHECK)/bin/$$p.test ./$$p || exit; done
	@strip -o $(GPU_CHECK)/bin/lenet $(BUILD)/bin/lenet
	@cp $(filter %.$(SO),$(NATIVE)) $(TESTED) $(GPU_CHECK)/lib/
	@cp $(CACHE)/datasets/mnist/*.gz $(GPU_CHECK)/cache/lenet/datasets/mnist/
	@cp bench/gpu-check.sh bench/gpu_check.py bench/gpu_report.py bench/pytorch.py $(GPU_CHECK)/
	@echo '$(LIBTORCH_VERSION)' >$(GPU_CHECK)/libtorch-version
	@tar -C $(BUILD) -czf $(GPU_CHECK).tar.gz gpu-check && ls -lh $(GPU_CHECK).tar.gz

bench: build ## lenet beside PyTorch: bench/results/cpu.md; with ISA=avx2 all held to AVX2: cpu-avx2.md. Installs PyTorch (4.7 GB) into the cache
	@$(call install_pinned,$(BENCH),bench)
	@bin/lenet fetch mnist >/dev/null
	@mkdir -p $(BUILD)/bench/mnist
	@for f in $(CACHE)/datasets/mnist/*.gz; do gzip -dc "$$f" >$(BUILD)/bench/mnist/"$$(basename "$$f" .gz)"; done
	@python3 bench/run.py --lenet bin/lenet --python '$(BENCH)/bin/python' --data $(BUILD)/bench/mnist --results bench/results $(if $(filter avx2,$(ISA)),--avx2)

bench-recipes: build ## The recipes with ten or thirty seeds each, and a sweep one and two trials at a time: bench/results/recipes.md
	@python3 bench/recipes.py --lenet bin/lenet --results bench/results

bench-go: native ## The Go benchmarks: decoder, loader, one step and its parts
	@$(GO_ENV) go test -run '^$$' -bench . -benchmem ./dataset ./train

bench-kernels: $(LEVELS:%=$(BUILD)/bench/kernels-%) ## What share of a core's multiply-adds the convolutions' kernels reach
	@for bench in $^; do $$bench || exit; done

IMAGE := $(if $(filter cuda%,$(DEVICE)),cuda,cpu)
image: ## The Docker image lenet:cpu; with DEVICE=cuda lenet:cuda
	docker build --build-arg DEVICE=$(IMAGE) --label org.opencontainers.image.version=$(VERSION) \
	  --label org.opencontainers.image.revision=$(shell git rev-parse HEAD 2>/dev/null) -t lenet:$(IMAGE) .

env: native $(TESTED) ## What go and an editor need: eval "$(make -s env)"
	@printf 'export %s\n' "CGO_LDFLAGS='$(CGO_LINK)'" "CGO_LDFLAGS_ALLOW='$(CGO_ALLOW)'" "GOFLAGS='$(strip $(filter-out $(TEST_RPATH),$(GOFLAGS)) $(TEST_RPATH))'"

clean: ## Removes what was built; downloads stay in the cache
	rm -rf build bin
