# libtorch, and the two C++ libraries that stand on it: gotorch's half and ours.
#
# Where libtorch comes from, first that is set:
#   LIBTORCH=/path       a folder with lib/ and include/: the official zip's, or the `torch` folder of a Python installation
#   LIBTORCH_ZIP=…       an official zip, as a file or a URL; unpacked into the cache
#   (neither)            the wheels below, by pip, checksum-checked; only what a C++ process uses is kept, in the cache
# gotorch's sources come from Go's module cache, or from the folder GOTORCH.
#
# CUDA is a plug-in, libtorchx_cuda, which bin/lenet loads when a CUDA device is asked for. It and NVIDIA's libraries are added with
# DEVICE=cuda (or cuda:N), and without DEVICE where there is an NVIDIA driver; and stay, once they are in the cache, unless DEVICE=cpu.
# NVIDIA's compiler and headers come as wheels, too, into a folder of their own in the cache.
#
# What is built goes to build/ (for another platform than this one, to build/PLATFORM): obj/ (objects), lib/ (libcgotorch, libtorchx and
# perhaps libtorchx_cuda, and links to libtorch's libraries), link/ (what only the linker reads). For Go, GO_ENV below is all that a
# `go build` or `go test` needs.

LIBTORCH_VERSION := 2.11.0
GOTORCH_MODULE   := github.com/wangkuiyi/gotorch
CACHE            := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lenet
BUILD            := $(CURDIR)/build

# ---- Platform: which wheels, which names. The Python tag is fixed, so one file and hash serve whatever Python the user has.
HOST         := $(shell uname -s)-$(shell uname -m)
PLATFORM     := $(HOST)
WHEEL_PYTHON := 3.12

# PLATFORM=Linux-aarch64 on another Linux compiles for it, with Debian's cross compiler, into a build folder of its own. EMULATOR runs
# the result.
ifneq ($(PLATFORM),$(HOST))
ifneq ($(PLATFORM)-on-$(HOST:Linux-%=Linux),Linux-aarch64-on-Linux)
$(error lenet can be compiled for another platform only on Linux for Linux-aarch64; this is $(HOST), and PLATFORM is $(PLATFORM))
endif
BUILD    := $(CURDIR)/build/$(PLATFORM)
CXX      := aarch64-linux-gnu-g++
CROSS    := GOOS=linux GOARCH=arm64 CC=aarch64-linux-gnu-gcc
EMULATOR := qemu-aarch64 -L /usr/aarch64-linux-gnu
endif

# SANITIZE=address,undefined compiles our C++, and gotorch's, with these sanitizers, into a build folder of its own.
ifdef SANITIZE
BUILD          := $(CURDIR)/build/sanitized
SANITIZE_FLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer -g1
endif

ifeq ($(PLATFORM),Linux-x86_64)
WHEEL_PLATFORMS := manylinux_2_28_x86_64,manylinux_2_27_x86_64,manylinux_2_25_x86_64,manylinux_2_18_x86_64,manylinux_2_17_x86_64,manylinux_2_12_x86_64,manylinux2014_x86_64
WHEELS := 'torch==$(LIBTORCH_VERSION) 0f68f4ac6d95d12e896c3b7a912b5871619542ec54d3649cf48cc1edd4dd2756' \
          'nvidia-cuda-runtime==13.0.96 7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548' \
          'nvidia-cuda-cupti==13.0.85 4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8'
CUDA_WHEELS := \
  'nvidia-cublas==13.1.0.3 ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171' \
  'nvidia-cuda-nvrtc==13.0.88 ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575' \
  'nvidia-cudnn-cu13==9.19.0.56 d20e1734305e9d68889a96e3f35094d733ff1f83932ebe462753973e53a572bf' \
  'nvidia-cufft==12.0.0.61 6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3' \
  'nvidia-cufile==1.15.1.6 08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44' \
  'nvidia-curand==10.4.0.35 1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc' \
  'nvidia-cusolver==12.0.4.66 0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112' \
  'nvidia-cusparse==12.6.3.3 2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b' \
  'nvidia-cusparselt-cu13==0.8.0 25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd' \
  'nvidia-nccl-cu13==2.28.9 e4553a30f34195f3fa1da02a6da3d6337d28f2003943aa0a3d247bbc25fefc42' \
  'nvidia-nvjitlink==13.0.88 13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b' \
  'nvidia-nvshmem-cu13==3.4.5 290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80'
TOOLKIT_WHEELS := \
  'nvidia-cuda-runtime==13.0.96 7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548' \
  'nvidia-cuda-crt==13.0.88 2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4' \
  'nvidia-cuda-nvcc==13.0.88 56fe502eb77625a12f25172caa3cdddb4e4c8ba2c8c17dba44b164761b380f03' \
  'nvidia-nvvm==13.0.88 c5f41ffeb6466944a026dfa5317d7d85355c119bbec279205d22f1869d1054e0'
else ifeq ($(PLATFORM),Linux-aarch64)
WHEEL_PLATFORMS := manylinux_2_28_aarch64,manylinux_2_25_aarch64,manylinux2014_aarch64,manylinux_2_17_aarch64
WHEELS := 'torch==$(LIBTORCH_VERSION) f99924682ef0aa6a4ab3b1b76f40dc6e273fca09f367d15a524266db100a723f' \
          'nvidia-cuda-runtime==13.0.96 ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55' \
          'nvidia-cuda-cupti==13.0.85 796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151'
else ifeq ($(PLATFORM),Darwin-arm64)
WHEEL_PLATFORMS := macosx_11_0_arm64
WHEELS := 'torch==$(LIBTORCH_VERSION) 4b5866312ee6e52ea625cd211dcb97d6a2cdc1131a5f15cc0d87eec948f6dd34'
else
$(error lenet knows Linux x86_64, Linux aarch64 and macOS arm64, and this is $(PLATFORM))
endif

ifneq ($(filter Darwin-%,$(PLATFORM)),)
SO         := dylib
ORIGIN     := @loader_path
SONAME      = -install_name @rpath/$(1)
LINK_ONLY  :=
LINK_FLAGS := -L$(BUILD)/lib
OPENMP     :=
NO_SHARED_LOADS :=
else
SO         := so
ORIGIN     := $$ORIGIN
SONAME      = -Wl,-soname,$(1)
LINK_ONLY  := $(BUILD)/link/libtorch.so
LINK_FLAGS := -L$(BUILD)/link -L$(BUILD)/lib -Wl,-rpath-link,$(BUILD)/lib -Wl,--as-needed
OPENMP     := -fopenmp
NO_SHARED_LOADS := -fno-predictive-commoning
endif

# ---- With CUDA? If DEVICE says so; without DEVICE (or auto), where there is a driver, or CUDA's libraries in the cache.
CUDA_DIR  := $(CACHE)/libtorch/$(LIBTORCH_VERSION)-cuda-$(PLATFORM)
CUDA_HERE := $(wildcard /proc/driver/nvidia/version /usr/lib/wsl/lib/libcuda.so.1) $(if $(LIBTORCH)$(LIBTORCH_ZIP),,$(wildcard $(CUDA_DIR)))
CUDA :=
ifneq ($(filter cuda%,$(DEVICE)),)
CUDA := 1
ifneq ($(PLATFORM),Linux-x86_64)
$(error CUDA is built for Linux on x86_64, and this is $(PLATFORM): give DEVICE=cpu)
endif
else ifneq ($(DEVICE),cpu)
CUDA := $(if $(filter Linux-x86_64,$(PLATFORM)),$(strip $(CUDA_HERE)))
endif

HALF    := $(if $(CUDA),cuda,cpu)
TOOLKIT := $(CACHE)/cuda-13.0.88

# ---- Where libtorch is
ifdef LIBTORCH
LIBTORCH_DIR := $(abspath $(LIBTORCH))
else ifdef LIBTORCH_ZIP
LIBTORCH_DIR := $(CACHE)/libtorch/$(basename $(notdir $(LIBTORCH_ZIP)))
LIBTORCH_GET  = scripts/libtorch.py zip $(LIBTORCH_DIR) '$(LIBTORCH_ZIP)'
else
LIBTORCH_DIR := $(if $(CUDA),$(CUDA_DIR),$(CACHE)/libtorch/$(LIBTORCH_VERSION)-cpu-$(PLATFORM))
LIBTORCH_GET  = $(if $(CUDA),$(CUDA_GET),scripts/libtorch.py wheels $(LIBTORCH_DIR) $(WHEEL_PYTHON) $(WHEEL_PLATFORMS) $(WHEELS))
endif
CUDA_GET      = scripts/libtorch.py cuda-wheels $(CUDA_DIR) $(WHEEL_PYTHON) $(WHEEL_PLATFORMS) $(WHEELS) $(CUDA_WHEELS)

ifneq ($(words $(CURDIR) $(LIBTORCH_DIR)),2)
$(error neither the checkout ($(CURDIR)) nor libtorch ($(LIBTORCH_DIR)) may lie under a path with spaces: move it, or set XDG_CACHE_HOME)
endif

# ---- What Go needs. gotorch's own cgo lines name folders inside its module; ours come first, and the two-word
# `-Wl,-rpath DIR` of gotorch has to be allowed by name. TEST_RPATH is for binaries that lie anywhere (go test, go run).
CGO_LINK   := $(LINK_FLAGS)
CGO_ALLOW  := -Wl,-rpath.*|-Wl,--as-needed|/.*/cgotorch(/libtorch/lib)?
TEST_RPATH := -ldflags=-r=$(BUILD)/lib
GO_ENV     := $(CROSS) CGO_ENABLED=1 CGO_LDFLAGS='$(CGO_LINK)' CGO_LDFLAGS_ALLOW='$(CGO_ALLOW)' GOFLAGS='$(strip $(GOFLAGS) $(TEST_RPATH))'

# ---- The C++ libraries
CXX      ?= g++
CXXFLAGS ?= -O2
STRICT   := -Werror=switch  # a switch over an enum that misses one of its values
COMPILE   = $(CXX) -std=c++17 $(CXXFLAGS) $(SANITIZE_FLAGS) $(STRICT) -fPIC $(OPENMP) -MMD -MP -isystem $(BUILD)/libtorch/include -isystem $(BUILD)/libtorch/include/torch/csrc/api/include
LEVELS   := plain $(if $(filter %x86_64,$(PLATFORM)),avx2 avx512)
# libtorchx is every .cc file in cc/, cc/face/ and cc/cpu/, except those with a rule of their own below. Names here lack the folder cc/ and
# the ending.
OWN_RULE := cgotorch cpu/kernels
TORCHX   := $(filter-out $(OWN_RULE),$(patsubst torchx/cc/%.cc,%,$(wildcard $(addsuffix *.cc,torchx/cc/ torchx/cc/face/ torchx/cc/cpu/)))) $(LEVELS:%=cpu/kernels-%)
NATIVE   := $(BUILD)/lib/libcgotorch.$(SO) $(BUILD)/lib/libtorchx.$(SO) $(if $(CUDA),$(BUILD)/lib/libtorchx_cuda.$(SO))
.DELETE_ON_ERROR:

.PHONY: libtorch native
libtorch: $(BUILD)/libtorch.path $(if $(CUDA),$(TOOLKIT)/bin/nvcc)
native: $(NATIVE) $(LINK_ONLY)

# Missing tools are named before anything is downloaded. python3 and pip are needed only where we fetch libtorch.
.PHONY: tools
tools:
	@scripts/check-tools.sh '$(CXX)' '$(if $(LIBTORCH),,$(if $(wildcard $(LIBTORCH_DIR)),,$(if $(LIBTORCH_ZIP),zip,wheels)))' '$(EMULATOR)'

# build/libtorch points at the libtorch in use. It is checked and its libraries are linked when it changes, and only then.
.PHONY: force
$(BUILD)/libtorch.path: force | tools
	@mkdir -p $(BUILD)
	@$(if $(LIBTORCH_GET),test -d $(LIBTORCH_DIR) || { echo 'libtorch $(LIBTORCH_VERSION) -> $(LIBTORCH_DIR)' >&2; python3 $(LIBTORCH_GET); },:)
	@echo '$(LIBTORCH_DIR) $(HALF) $(CXX) $(CXXFLAGS)' | cmp -s - $@ || { \
	  scripts/link-libtorch.sh $(LIBTORCH_DIR) $(BUILD) $(LIBTORCH_VERSION) $(HALF) $(PLATFORM) && \
	  echo '$(LIBTORCH_DIR) $(HALF) $(CXX) $(CXXFLAGS)' >$@; }

# CUDA's libraries, whatever half is in use.
$(CUDA_DIR): | tools
	@echo 'libtorch $(LIBTORCH_VERSION) with CUDA -> $@' >&2
	@python3 $(CUDA_GET)

GOTORCH ?= $$(go mod download $(GOTORCH_MODULE) && go list -m -f '{{.Dir}}' $(GOTORCH_MODULE))
$(BUILD)/gotorch.path: $(wildcard go.mod) | tools
	@mkdir -p $(BUILD)
	@ln -sfn "$(GOTORCH)" $(BUILD)/gotorch
	@readlink $(BUILD)/gotorch | cmp -s - $@ || readlink $(BUILD)/gotorch >$@

$(BUILD)/obj/%.o: torchx/cc/%.cc $(BUILD)/libtorch.path $(BUILD)/gotorch.path
	@mkdir -p $(@D)
	@echo 'c++  $<' >&2
	@$(COMPILE) -Itorchx -Itorchx/cc -isystem $(BUILD)/gotorch -c $< -o $@.tmp -MF $(@:.o=.d) -MT $@ && mv $@.tmp $@

# The kernels, once for each kind of vector instructions. GCC's predictive commoning would keep values of one round of the inner
# loop for the next, and spill the sums to make room for them.
VECTORS_plain  := -DLANES=4 -DREGISTERS=$(if $(filter %x86_64,$(PLATFORM)),16,32)
VECTORS_avx2   := -DLANES=8 -DREGISTERS=16 -mavx2 -mfma
VECTORS_avx512 := -DLANES=16 -DREGISTERS=32 -mavx512f -mavx512vl -mavx512bw -mavx512dq -mfma -mprefer-vector-width=512
COMPILE_KERNELS = $(CXX) -std=c++17 -O3 $(SANITIZE_FLAGS) $(STRICT) -ffp-contract=fast $(NO_SHARED_LOADS) -Wno-psabi -Wno-aggressive-loop-optimizations -fPIC -DLEVEL=$* $(VECTORS_$*)

KERNELS := $(wildcard torchx/cc/cpu/*.h) torchx/cc/cpu/kernels.cc torchx/cc/activation.h
$(BUILD)/obj/cpu/kernels-%.o: $(KERNELS) $(BUILD)/libtorch.path libtorch.mk
	@mkdir -p $(@D)
	@echo 'c++  torchx/cc/cpu/kernels.cc ($*)' >&2
	@$(COMPILE_KERNELS) -Itorchx/cc -c torchx/cc/cpu/kernels.cc -o $@.tmp && mv $@.tmp $@

$(BUILD)/bench/kernels-%: torchx/cc/bench/kernels.cc $(KERNELS)
	@mkdir -p $(@D)
	@$(COMPILE_KERNELS) -Itorchx/cc -Itorchx/cc/cpu $< -o $@

# The thread team alone, with ThreadSanitizer.
$(BUILD)/test/team: torchx/cc/test/team.cc torchx/cc/cpu/team.cc torchx/cc/cpu/team.h $(BUILD)/libtorch.path
	@mkdir -p $(@D)
	@echo 'c++  $< (ThreadSanitizer)' >&2
	@$(CXX) -std=c++17 -O1 -g1 -fsanitize=thread -isystem $(BUILD)/libtorch/include torchx/cc/test/team.cc torchx/cc/cpu/team.cc -o $@ -L$(BUILD)/lib -lc10 '-Wl,-rpath,$(BUILD)/lib'

# The plug-in on a stand-in for NVIDIA's runtime. libtorch looks for the driver, libcuda.so.1, too, and finds the stand-in.
STAND_IN := $(BUILD)/test/stand-in/libcuda.so.1
$(STAND_IN): torchx/cc/test/runtime.cc torchx/cc/test/runtime.h | $(TOOLKIT)/bin/nvcc
	@mkdir -p $(@D)
	@echo 'c++  $<' >&2
	@$(CXX) -std=c++17 -O1 -g1 -fPIC -shared -isystem $(TOOLKIT)/include $< -o $@ -Wl,-soname,$(@F)

$(BUILD)/test/plug_in: torchx/cc/test/plug_in.cc torchx/cc/test/runtime.h $(STAND_IN) $(BUILD)/lib/libtorchx_cuda.$(SO)
	@mkdir -p $(@D)
	@echo 'c++  $<' >&2
	@$(COMPILE) -g1 -Itorchx -Itorchx/cc -isystem $(TOOLKIT)/include $< -o $@ -MF $@.d -MT $@ $(STAND_IN) $(LINK_FLAGS) -Wl,--no-as-needed,--allow-shlib-undefined \
	  -ltorchx_cuda -ltorchx -ltorch_cpu -lc10_cuda -lc10 -l:libcudart.so.13 '-Wl,-rpath,$(ORIGIN)/stand-in:$(ORIGIN)/../lib'

$(BUILD)/lib/libtorchx.$(SO): $(TORCHX:%=$(BUILD)/obj/%.o)
$(BUILD)/lib/libcgotorch.$(SO): $(BUILD)/obj/cgotorch.o

# The plug-in: machine code for every GPU from Turing (2018) to Blackwell, and an intermediate form from which drivers make that of
# later ones. The letters are for the copy engine, by which blocks share the weights that they stage. What NVIDIA's libraries want of each other is found when they are loaded.
GPUS := $(foreach sm,75 80 86 89 90a 100f,-gencode arch=compute_$(sm),code=sm_$(sm)) -gencode arch=compute_120,code=[sm_120,compute_120]
CUDA_KERNELS := $(patsubst torchx/cc/cuda/%.cu,%,$(wildcard torchx/cc/cuda/*.cu))

$(TOOLKIT)/bin/nvcc: | tools
	@echo "NVIDIA's compiler -> $(TOOLKIT)" >&2
	@python3 scripts/libtorch.py toolkit $(TOOLKIT) $(WHEEL_PYTHON) $(WHEEL_PLATFORMS) $(TOOLKIT_WHEELS)

$(CUDA_KERNELS:%=$(BUILD)/obj/cuda/%.o): $(BUILD)/obj/%.o: torchx/cc/%.cu torchx/cc/activation.h $(wildcard torchx/cc/cuda/*.cuh torchx/cc/cuda/*.h) $(BUILD)/libtorch.path | $(TOOLKIT)/bin/nvcc
	@mkdir -p $(@D)
	@echo 'nvcc $<' >&2
	@$(TOOLKIT)/bin/nvcc -ccbin '$(CXX)' -std=c++17 -O3 -Xcompiler -fPIC $(GPUS) $(NVCC_FLAGS) -c $< -o $@.tmp && mv $@.tmp $@

# Division, and numbers next to 0, rounded less well: by two in the last place.
$(BUILD)/obj/cuda/step.o: NVCC_FLAGS := -prec-div=false -ftz=true
# Augmented images are those of Go, which rounds each product.
$(BUILD)/obj/cuda/augment.o: NVCC_FLAGS := --fmad=false
$(BUILD)/obj/cuda/augment.o: torchx/cc/cuda/augment.h

PLUG_IN := $(patsubst %,$(BUILD)/obj/cuda/%.o,$(filter-out emulator%,$(patsubst torchx/cc/cuda/%.cc,%,$(wildcard torchx/cc/cuda/*.cc))) $(CUDA_KERNELS))
$(PLUG_IN): COMPILE += -isystem $(TOOLKIT)/include
$(PLUG_IN): | $(TOOLKIT)/bin/nvcc
$(BUILD)/lib/libtorchx_cuda.$(SO): $(PLUG_IN) $(BUILD)/lib/libtorchx.$(SO)
	@mkdir -p $(@D)
	@$(CXX) -shared $(filter %.o,$^) -o $@.tmp $(call SONAME,$(@F)) $(LINK_FLAGS) -Wl,--no-as-needed,--allow-shlib-undefined -ltorch_cuda -lc10_cuda -ltorch_cpu -lc10 -l:libcudart.so.13 '-Wl,-rpath,$(ORIGIN)' && mv $@.tmp $@

# The same kernels on the CPU, for tests without a GPU (torchx/cc/cuda/emulator.h), and their loads and stores watched (emulator_memory.h).
EMULATED := $(patsubst %,$(BUILD)/obj/emulated/%.o,operators augment_operator emulator emulator_memory $(CUDA_KERNELS))
WATCH    := $(if $(SANITIZE),,-g1 -fsanitize=thread,alignment -fno-sanitize-recover=alignment)
# A library with unique symbols is never unloaded, and its kernels would stay the CPU's.
$(EMULATED): COMPILE += -fno-gnu-unique
$(BUILD)/obj/emulated/%.o: torchx/cc/cuda/%.cc $(BUILD)/libtorch.path
	@mkdir -p $(@D)
	@echo 'c++  $< (emulated)' >&2
	@$(COMPILE) -DLENET_EMULATED -c $< -o $@.tmp -MF $(@:.o=.d) -MT $@ && mv $@.tmp $@

$(BUILD)/obj/emulated/%.o: torchx/cc/cuda/%.cu $(BUILD)/libtorch.path
	@mkdir -p $(@D)
	@echo 'c++  $< (emulated)' >&2
	@$(COMPILE) -DLENET_EMULATED $(WATCH) -Wno-unknown-pragmas -x c++ -c $< -o $@.tmp -MF $(@:.o=.d) -MT $@ && mv $@.tmp $@

$(BUILD)/lib/libtorchx_emulated.$(SO): $(EMULATED)

# The emulator alone, with small kernels that have faults.
$(BUILD)/test/emulator: torchx/cc/test/emulator.cc $(addprefix $(BUILD)/obj/emulated/,emulator.o emulator_memory.o)
	@mkdir -p $(@D)
	@echo 'c++  $< (emulated)' >&2
	@$(CXX) -std=c++17 -O1 $(STRICT) -DLENET_EMULATED $(WATCH) -c $< -o $@.o -MMD -MP -MF $(BUILD)/obj/emulated/test.d -MT $@
	@$(CXX) $@.o $(filter %.o,$^) -ldl -o $@

$(BUILD)/lib/lib%.$(SO): $(LINK_ONLY)
	@mkdir -p $(@D)
	@$(CXX) -shared $(SANITIZE_FLAGS) $(filter %.o,$^) -o $@.tmp $(call SONAME,lib$*.$(SO)) $(LINK_FLAGS) -ltorch_cpu -lc10 -ldl $$(find $(BUILD)/libtorch/lib/ -name 'libgomp*') '-Wl,-rpath,$(ORIGIN)' && mv $@.tmp $@

# gotorch asks for -ltorch. libtorch.so is nothing but a link to both halves, CUDA's 2.6 GB included; ours names the CPU half.
$(BUILD)/link/libtorch.so:
	@mkdir -p $(@D)
	@echo 'INPUT(-ltorch_cpu)' >$@

-include $(wildcard $(BUILD)/obj/*.d $(BUILD)/obj/*/*.d)
