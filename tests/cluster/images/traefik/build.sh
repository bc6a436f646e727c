# Fills the root folder $1 with the program $2. Runs in the folder of this file.
set -eu
# Bodies that are buffered go here.
mkdir -p "$1/tmp"
chmod 1777 "$1/tmp"
cp "$2" "$1/traefik"
