# lenet's image: `make image`, `docker compose build` or `docker build -t lenet:cpu .`; with DEVICE=cuda the one for NVIDIA GPUs.
#
# What seldom changes comes first: libtorch, the C++ half, then Go. .git is in the build context, so that `lenet info` says the version.
# The final stage has Debian, the program with its libraries and MNIST. It runs as any user, by default one who is not root, and
# writes to /cache (data sets) and /work/runs only.
ARG GO_IMAGE=golang:1.26-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim

FROM ${GO_IMAGE} AS tools
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends g++ git make python3 python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /src

FROM tools AS modules
COPY go.mod go.sum ./
RUN go mod download

# make reads DEVICE from the environment.
FROM tools AS libtorch
ARG DEVICE=cpu
COPY libtorch.mk ./
COPY scripts/check-tools.sh scripts/libtorch.py scripts/link-libtorch.sh scripts/
RUN make -f libtorch.mk libtorch && mkdir -p /opt/lenet/lib && cp -lL build/lib/* /opt/lenet/lib/

FROM libtorch AS native
COPY --from=modules /go/pkg/mod/github.com/wangkuiyi/gotorch@* /gotorch/
COPY torchx/torchx.h torchx/
COPY torchx/cc torchx/cc
RUN make -f libtorch.mk --jobs=2 native GOTORCH=/gotorch && install -Dt /native build/lib/libcgotorch.so build/lib/libtorchx*.so

# The version, and the sources without .git, whose changes alone build nothing. --diff-filter: what .dockerignore leaves out looks deleted.
FROM tools AS source
COPY . .
RUN if git diff --quiet --diff-filter=d HEAD; then git describe --always; else git describe --always --dirty; fi >VERSION || echo unknown >VERSION; rm -rf .git

# NATIVE is empty, since the C++ half is there already, whatever the files' times say.
FROM native AS build
COPY --from=modules /go/pkg/mod /go/pkg/mod
COPY --from=source /src ./
RUN --mount=type=cache,target=/root/.cache/go-build make build NATIVE= VERSION="$(cat VERSION)"
RUN --mount=type=cache,target=/cache XDG_CACHE_HOME=/cache bin/lenet fetch mnist \
 && mkdir -p /data/lenet/decompressed && cp -R /cache/lenet/datasets /data/lenet && chmod -R a+rwX /data

FROM ${DEBIAN_IMAGE}
LABEL org.opencontainers.image.title="lenet" \
      org.opencontainers.image.description="Trains LeNet on MNIST, in Go with libtorch" \
      org.opencontainers.image.licenses="MIT"
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libstdc++6 && apt-get clean && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home lenet && install -d -m 777 /cache /work/runs
ENV XDG_CACHE_HOME=/cache PATH=/opt/lenet/bin:$PATH NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=libtorch /opt/lenet/lib /opt/lenet/lib
COPY --from=build /data /cache
COPY --from=native /native /opt/lenet/lib
COPY scripts/docker-entrypoint.sh /usr/local/bin/
COPY --from=build /src/build/bin /opt/lenet/bin
WORKDIR /work
USER 1000:1000
ENTRYPOINT ["docker-entrypoint.sh"]
