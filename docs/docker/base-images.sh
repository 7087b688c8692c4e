#!/bin/sh
# base-images.sh: makes the two images that the Dockerfile begins from, under their own names, where no registry of images can be
# reached: from Debian's packages, by debootstrap, and this machine's Go. They trust the certificates that this machine was given
# (/usr/local/share/ca-certificates). Needs root, debootstrap, Go and a Docker engine; DEBIAN_MIRROR names another mirror.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

debootstrap --variant=minbase --include=ca-certificates bookworm "$dir/debian" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
cp /usr/local/share/ca-certificates/*.crt "$dir/debian/usr/local/share/ca-certificates/" 2>/dev/null || true
chroot "$dir/debian" update-ca-certificates
rm -rf "$dir"/debian/var/cache/apt/archives/*.deb "$dir"/debian/var/lib/apt/lists/*
tar -C "$dir/debian" -c . | docker import - debian:bookworm-slim

mkdir "$dir/golang"
cp -R "$(go env GOROOT)" "$dir/golang/go"
printf '%s\n' 'FROM debian:bookworm-slim' 'COPY go /usr/local/go' 'ENV GOPATH=/go PATH=/go/bin:/usr/local/go/bin:$PATH' >"$dir/golang/Dockerfile"
DOCKER_BUILDKIT=0 docker build -t golang:1.26-bookworm "$dir/golang"
