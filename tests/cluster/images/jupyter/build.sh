# Fills the root folder $1 with a minimal Debian and Jupyter Lab. Runs in the folder of this file, as root.
set -eu
release=bookworm
debootstrap --variant=minbase --include=python3,python3-venv "$release" "$1" >&2

# Only for the installation: how this machine resolves names, and whom it trusts.
cp /etc/resolv.conf "$1/etc/resolv.conf"
mkdir -p "$1/build"
trusted=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
if [ -f "$trusted" ]; then
    cp "$trusted" "$1/build/ca.crt"
    for name in PIP_CERT SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE; do export "$name=/build/ca.crt"; done
fi
export PATH="/opt/jupyter/bin:/usr/sbin:/usr/bin:/sbin:/bin"
chroot "$1" python3 -m venv /opt/jupyter
chroot "$1" pip install --no-cache-dir --disable-pip-version-check 'jupyterlab==4.4.*' >&2
rm -rf "$1/build"
: >"$1/etc/resolv.conf"

chroot "$1" useradd --uid 1000 --create-home --home-dir /workspace --shell /bin/bash user
rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale \
    "$1"/var/log/*
