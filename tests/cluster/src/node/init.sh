# The first process of a node's PID namespace: when it ends, the kernel kills every process of the node, and with
# the last one go its mounts, interfaces and firewall rules.
# $1: the node's folder. The node's /var/lib, /var/log, /run and /etc/cni are its own; the rest is the host's.
set -eu
mount --make-rshared /
mkdir -p "$1/lib" "$1/log"
mount --bind "$1/lib" /var/lib
mount --bind "$1/log" /var/log
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
: >"$1/started"
# Waiting also reaps the orphans of the node, such as the parents of containers.
while :; do
    sleep 86400 &
    wait $!
done
