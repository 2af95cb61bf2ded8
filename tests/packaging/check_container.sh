#!/usr/bin/env bash
# check_container.sh BIN EXAMPLE: each service of the example's compose.yaml is a daemon of its spread.conf. And the
# daemon under a container's restrictions: process 1 of its own process, mount and network namespaces, no root, no
# capability, no way to new privileges, a read-only root with three places to write, and the configuration from a
# read-only mount. 77: this test may not make namespaces.
set -euo pipefail
bin=$1
example=$2
names=$(sed -n 's/^  \([a-z0-9]*\): .*hostname: \1, command: \[-n, \1, .*/\1/p' "$example/compose.yaml")
[ "$(wc -w <<<"$names")" -eq 3 ] || { echo "check_container.sh: not three services: $names"; exit 1; }
for name in $names; do
    if ! said=$("$bin/spreadd" -c "$example/spread.conf" -n "$name" --check --any-host 2>&1) ||
        ! grep -q "^Daemon '$name'.*(this one)" <<<"$said"; then
        echo "check_container.sh: $name: $said"
        exit 1
    fi
done
if [ "$(id -u)" -ne 0 ] || ! unshare --mount --pid --net --fork true 2>/dev/null; then
    echo "no root, or no namespaces: not tested"
    exit 77
fi
work=$(mktemp -d)
container=
cleanup() {
    [ -z "$container" ] || kill -KILL "$container" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
mkdir "$work/root" "$work/etc"
cat >"$work/etc/spread.conf" <<'CONF'
Spread_Segment unicast:4803 {
    node1 127.0.0.1
}
CONF
cat >"$work/enter" <<'ENTER'
set -e
root=$1 bin=$2 etc=$3
mount --make-rprivate /
mount -t tmpfs none "$root"
cd "$root"
mkdir -p usr proc etc/spread run/spread tmp var/lib/spread app
for name in bin lib lib64 sbin; do [ ! -L "/$name" ] || cp -P "/$name" .; done
mount --bind -o ro /usr usr
mount -o remount,bind,ro usr
mount --bind "$bin" app
mount -o remount,bind,ro app
mount --bind "$etc" etc/spread
mount -o remount,bind,ro etc/spread
for place in run/spread tmp var/lib/spread; do
    mount -t tmpfs -o uid=10001,gid=10001,nosuid,noexec none "$place"
done
mount -t proc none proc
mount -o remount,ro .
ip link set lo up
exec setpriv --no-new-privs chroot --userspec=10001:10001 . /app/spreadd -c /etc/spread/spread.conf \
    --state-dir /var/lib/spread --log-format json
ENTER
unshare --mount --pid --net --fork --kill-child sh "$work/enter" "$work/root" "$bin" "$work/etc" 2>"$work/log" &
container=$!
fail() {
    echo "check_container.sh: $1"
    cat "$work/log"
    exit 1
}
for _ in $(seq 200); do
    ! grep -q '"event":"ready"' "$work/log" || break
    kill -0 "$container" 2>/dev/null || fail "it ended"
    sleep 0.1
done
grep -q '"event":"ready"' "$work/log" || fail "it does not get ready"
! grep -q '"level":"\(warning\|error\)"' "$work/log" || fail "it warns"
daemon=$(pgrep -P "$container")
[ "$(awk '/^NSpid:/ { print $NF }' "/proc/$daemon/status")" = 1 ] || fail "it is not process 1"
[ "$(awk '/^Uid:/ { print $2 }' "/proc/$daemon/status")" = 10001 ] || fail "it is not user 10001"
[ "$(awk '/^CapEff:/ { print $2 }' "/proc/$daemon/status")" = 0000000000000000 ] || fail "it has capabilities"
inside() {
    nsenter --target "$daemon" --mount --pid --net --root --wd=/ setpriv --reuid 10001 --regid 10001 --clear-groups "$@"
}
inside /app/spreadctl check --expect 1 || fail "the health command fails"
inside sh -c ': >/etc/spread/x' 2>/dev/null && fail "the root is not read-only"
inside sh -c "printf 'j room\ns room\nhello\n' | /app/spuser -u inside" >"$work/client" || fail "a client fails"
grep -q hello "$work/client" || fail "no message came back"
kill -TERM "$daemon"
status=0
wait "$container" || status=$?
container=
[ "$status" -eq 0 ] || fail "SIGTERM: status $status"
grep -q '"event":"exiting"' "$work/log" || fail "it did not leave in order"
