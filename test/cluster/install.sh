#!/usr/bin/env bash
# Builds the Kubernetes API server and its controllers from their published sources into a cache outside of the checkout,
# and looks for etcd. Needs go 1.24 or newer and some minutes the first time; does nothing the second time.
set -euo pipefail

version=1.34.4
cache="${XDG_CACHE_HOME:-$HOME/.cache}/octobatch/kubernetes-$version"
programs=(kube-apiserver kube-controller-manager)

missing=()
for program in "${programs[@]}"; do [ -x "$cache/$program" ] || missing+=("$program"); done
command -v etcd >/dev/null || { echo "etcd is missing: install your system's etcd-server package." >&2; exit 1; }
[ "${#missing[@]}" -eq 0 ] && exit 0
command -v go >/dev/null || { echo "go is missing: install Go 1.24 or newer to build Kubernetes $version." >&2; exit 1; }

mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export GOFLAGS=-mod=mod

# Kubernetes requires its own modules at v0.0.0 and replaces them by folders of its repository; each is published as well.
manifest=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
{
  printf 'module control-plane\n\ngo 1.24\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$version"
  grep -oE '^\s*k8s\.io/\S+\s+(=> \./staging|v0\.0\.0$)' "$manifest" | awk '{ print $1 }' | sort -u |
    while read -r module; do printf '\t%s => %s v0.%s\n' "$module" "$module" "${version#1.}"; done
  printf ')\n'
} >go.mod
{
  echo 'package tools'
  for program in "${programs[@]}"; do echo "import _ \"k8s.io/kubernetes/cmd/$program/app\""; done
} >tools.go
go mod tidy
for program in "${missing[@]}"; do
  # Moved into place at the end, so that what is there is always whole.
  go build -ldflags '-s -w' -o "$work/$program" "k8s.io/kubernetes/cmd/$program"
  mv "$work/$program" "$cache/$program"
done
