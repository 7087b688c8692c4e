# Two images, cpu and cuda: `make image`, `docker compose build`, or `docker build --target cpu .`
#
# The build stages have the toolchain. The final ones have Debian, the program with its libraries and MNIST, and run as a user
# who is not root and who writes to /cache (data sets) and /work/runs only. VERSION is what `lenet info` says.

FROM golang:1.26-bookworm AS source
RUN apt-get update && apt-get install -y --no-install-recommends g++ git make python3 python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .

FROM debian:bookworm-slim AS base
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libstdc++6 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home lenet && install -d -o lenet -g lenet /cache /work /work/runs
COPY scripts/docker-entrypoint.sh /usr/local/bin/
ENV XDG_CACHE_HOME=/cache PATH=/opt/lenet/bin:$PATH
WORKDIR /work
USER lenet
ENTRYPOINT ["docker-entrypoint.sh"]

FROM source AS build-cpu
ARG VERSION=unknown
RUN make build DEVICE=cpu VERSION=$VERSION && scripts/install.sh /opt/lenet && XDG_CACHE_HOME=/cache bin/lenet fetch mnist

FROM base AS cpu
COPY --from=build-cpu --chown=lenet:lenet /cache /cache
COPY --from=build-cpu /opt/lenet /opt/lenet

FROM source AS build-cuda
ARG VERSION=unknown
RUN make build DEVICE=cuda VERSION=$VERSION && scripts/install.sh /opt/lenet && XDG_CACHE_HOME=/cache bin/lenet fetch mnist

FROM base AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda --chown=lenet:lenet /cache /cache
COPY --from=build-cuda /opt/lenet /opt/lenet
