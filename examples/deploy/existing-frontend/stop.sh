#!/usr/bin/env bash
# Stops what start.sh has started: the server, then the way to the ingress controller. Pods run on, and are charged; stop
# them on the page before, or with `--minikube`, which stops the cluster too. `stop.ps1` does the same on Windows.
#
#   ./stop.sh [folder with server.toml] [--minikube]
set -euo pipefail
folder=.
cluster=
for argument in "$@"; do
  case "$argument" in
    --minikube) cluster=yes ;;
    *) folder="$argument" ;;
  esac
done
folder="$(cd "$folder" && pwd)"

# The name of the file, and that of the program: since the machine was started the number may have become that of another.
for pair in server:server forward:kubectl; do
  name="${pair%%:*}"
  file="$folder/run/$name.pid"
  [ -s "$file" ] || continue
  pid="$(cat "$file")"
  if ps -p "$pid" -o comm= | grep -q "${pair##*:}\$"; then
    # The server ends what is under way first.
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 30); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 1
    done
  fi
  rm -f "$file"
  echo "$name is stopped"
done
if [ -n "$cluster" ]; then
  minikube stop
fi
