# Fills the root folder $1 with a static busybox and a page to serve. Runs in the folder of this file.
set -eu
mkdir -p "$1/bin" "$1/etc" "$1/tmp" "$1/www"
chmod 1777 "$1/tmp"
cp "$(command -v busybox)" "$1/bin/busybox"
# Fails where the host's busybox is not the static one: the image has no libraries.
chroot "$1" /bin/busybox true
for applet in $("$1/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
done
echo 'user:x:1000:1000:user:/tmp:/bin/sh' >"$1/etc/passwd"
echo 'user:x:1000:' >"$1/etc/group"
echo 'neuropod-test' >"$1/www/index.html"
