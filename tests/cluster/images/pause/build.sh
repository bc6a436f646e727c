# Fills the root folder $1. Runs in the folder of this file.
set -eu
CGO_ENABLED=0 GOWORK=off go build -trimpath -ldflags "-s -w" -o "$1/pause" main.go
