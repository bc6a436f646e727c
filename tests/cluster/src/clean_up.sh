# Removes the folder $1, the container that it names and the control groups named $2 once standard input ends: when the owner closes it, or dies.
# The owner's servers are killed by the kernel (pdeathsig, or with their PID namespace), and with the last of them
# go their mounts, network interfaces and firewall rules, which live in namespaces of their own.
while read -r _; do :; done

# Its volumes have the data. Where Docker does not answer now, the folder stays, and the next start tries again.
if [ -f "$1/container" ]; then
    if ! says=$(docker rm --force --volumes "$(cat "$1/container")" 2>&1); then
        case $says in
            *"No such container"*) ;;
            *) exit 1 ;;
        esac
    fi
fi

remove() {
    left=
    for group in "/sys/fs/cgroup/$2" /sys/fs/cgroup/*/"$2"; do
        [ -d "$group" ] || continue
        find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
        [ ! -d "$group" ] || left=yes
    done
    rm -rf -- "$1" 2>/dev/null || left=yes
    [ -z "$left" ]
}

# A server that is still dying holds groups and writes files: try for 20 seconds.
tries=0
until remove "$1" "$2" || [ $tries -eq 200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
