#!/usr/bin/env bash
# Starts what the server needs on this machine, in this order: minikube with its ingress controller, the namespace, the
# certificate of the pods' hosts where there is one, the way to the ingress controller, and the server. Needed: minikube,
# kubectl, cargo, and Docker for a new minikube. `start.ps1` does the same on Windows.
#
#   ./start.sh [folder with server.toml and secrets/]
set -euo pipefail
folder="$(cd "${1:-.}" && pwd)"
repository="$(cd "$(dirname "$0")/../../.." && pwd)"
namespace="${NEUROPOD_KUBE__NAMESPACE:-default}"

for program in minikube kubectl cargo; do
  command -v "$program" >/dev/null || { echo "$program is missing" >&2; exit 1; }
done
for file in server.toml secrets/jwt secrets/naming; do
  [ -s "$folder/$file" ] || { echo "$folder/$file is missing: see README.md, step 2" >&2; exit 1; }
done

if ! minikube status >/dev/null 2>&1; then
  gpus=
  if command -v nvidia-smi >/dev/null; then
    gpus="--container-runtime=docker --gpus=all --addons=nvidia-device-plugin"
  fi
  # The ports are for a new minikube; one that was stopped keeps those that it was made with.
  # shellcheck disable=SC2086
  minikube start --driver=docker $gpus --memory=12000mb --cpus=8 --addons=ingress,metrics-server \
    --ports=127.0.0.1:80:80,127.0.0.1:443:443
fi
kubectl -n ingress-nginx rollout status deployment/ingress-nginx-controller --timeout=5m
kubectl get namespace "$namespace" >/dev/null 2>&1 || kubectl create namespace "$namespace"

# The certificate of *.<domain>, where TLS does not end in front: `kube.tls_secret = "wildcard"` names it.
if [ -s "$folder/tls/tls.crt" ] && [ -s "$folder/tls/tls.key" ]; then
  kubectl -n "$namespace" create secret tls wildcard --cert="$folder/tls/tls.crt" --key="$folder/tls/tls.key" \
    --dry-run=client -o yaml | kubectl apply -f -
fi

# Since the machine was started the number may have become that of another program.
if [ -s "$folder/run/server.pid" ] && ps -p "$(cat "$folder/run/server.pid")" -o comm= | grep -q 'server$'; then
  echo "the server runs already; stop.sh stops it"
  exit 0
fi
mkdir -p "$folder/run"
# Where minikube does not publish the port, it is forwarded, so that the ingress controller is at localhost:443. On Linux
# it is at the address that `minikube ip` tells. (`minikube tunnel` opens the port for the first Ingress that it sees, and
# closes it for all hosts when that one goes.)
if [ "$(uname)" != Linux ] && ! docker port minikube 443/tcp >/dev/null 2>&1; then
  nohup kubectl -n ingress-nginx port-forward service/ingress-nginx-controller 443:443 >"$folder/run/forward.log" 2>&1 &
  echo $! >"$folder/run/forward.pid"
fi
# Compiled first, so that the process that is started is the server itself, and not cargo.
cargo build --release --manifest-path "$repository/Cargo.toml" -p neuropod-server --example server
cd "$folder"
nohup "${CARGO_TARGET_DIR:-$repository/target}/release/examples/server" --config server.toml >"$folder/run/server.log" 2>&1 &
echo $! >"$folder/run/server.pid"

for _ in $(seq 60); do
  if curl --silent --fail --output /dev/null http://127.0.0.1:3000/readyz; then
    echo "the server answers at http://127.0.0.1:3000; its log is $folder/run/server.log"
    exit 0
  fi
  kill -0 "$(cat "$folder/run/server.pid")" 2>/dev/null || { tail -n 20 "$folder/run/server.log" >&2; exit 1; }
  sleep 1
done
echo "the server does not answer: see $folder/run/server.log" >&2
exit 1
