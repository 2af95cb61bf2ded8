#!/usr/bin/env bash
# cluster.sh ROOT BIN: the README's first ten minutes. tools/run --cluster 3 says how to connect and nothing else; clients of
# two daemons hear each other; when a daemon is killed the others say who is missing, and the command that is printed
# starts it again; Ctrl-C stops all and leaves nothing.
set -euo pipefail
# In a network of its own, where all ports are free, if the system allows that.
if [ -z "${CLUSTER_IS_APART:-}" ] && unshare -rn ip link set lo up 2>/dev/null; then
    export CLUSTER_IS_APART=yes
    # shellcheck disable=SC2016  # expanded by the inner shell
    exec unshare -rn bash -c 'ip link set lo up && exec "$0" "$@"' "$0" "$@"
fi
root=$1
bin=$2
work=$(mktemp -d)
port=$((20000 + RANDOM % 9000))
cluster=
again=
cleanup() {
    [ -z "$again" ] || kill "$again" 2>/dev/null || true
    [ -z "$cluster" ] || kill -INT "$cluster" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "cluster.sh: $1"
    cat "$work/said"
    exit 1
}
# said TEXT: it has been said within half a minute.
said() {
    for _ in $(seq 300); do
        ! grep -qF -- "$1" "$work/said" || return 0
        sleep 0.1
    done
    fail "it does not say: $1"
}
# With job control, as in a terminal: else a shell's background process ignores Ctrl-C.
set -m
TMPDIR=$work "$root/tools/run" --bin "$bin" --cluster 3 --port "$port" -- --log-level info >"$work/said" 2>&1 &
cluster=$!
set +m
said "Ctrl-C stops them all"
for i in 1 2 3; do
    grep -qF "$bin/spuser -s $port@127.0.0.$i -u user$i" "$work/said" || fail "it does not say how to connect to daemon $i"
done
! grep -q '^\[d' "$work/said" || fail "a start is news"

printf 'j room\n' | "$bin/spuser" -s "$port@127.0.0.2" -u bob --linger 20 >"$work/bob" &
bob=$!
for _ in $(seq 300); do
    ! grep -q '#bob#d2' "$work/bob" || break
    sleep 0.1
done
printf 's room\nhello bob\n' | "$bin/spuser" -s "$port@127.0.0.1" -u alice >"$work/alice"
for _ in $(seq 200); do
    ! grep -q 'hello bob' "$work/bob" || break
    sleep 0.1
done
grep -q 'hello bob' "$work/bob" || fail "bob does not hear alice"
kill "$bob"

pids=$(sed -n 's/.*Process ids: \([0-9 ]*\)\..*/\1/p' "$work/said")
kill -KILL "${pids##* }"
said "d3 ended with status 137, 2 left. Start it again from another terminal with"
said "[d1] "
grep -q '^\[d1\].*warning.*Missing: d3' "$work/said" || said "Missing: d3"
command=$(sed -n "s#^    \($bin/spreadd -n d3 .*\)#\1#p" "$work/said")
grep -q -- "--log-level info$\|'--log-level' 'info'$" <<<"$command" || fail "the command leaves out our arguments: $command"
eval "$command" >"$work/d3" 2>&1 &
again=$!
control=$(sed -n 's/^See how they are: .* -s \(.*\) status$/\1/p' "$work/said")
for _ in $(seq 300); do
    ! "$bin/spreadctl" -s "$control" check --expect 3 >/dev/null || break
    sleep 0.1
done
"$bin/spreadctl" -s "$control" check --expect 3 || fail "the command that it prints does not bring d3 back"
grep -q '^\[d[12]\].*configuration of 3 of 3' "$work/said" || said "configuration of 3 of 3"

kill -INT "$cluster"
status=0
wait "$cluster" || status=$?
cluster=
[ "$status" -eq 0 ] || fail "Ctrl-C: status $status"
for pid in $pids; do
    ! kill -0 "$pid" 2>/dev/null || fail "it leaves process $pid"
done
[ -z "$(find "$work" -name 'spread-run.*')" ] || fail "it leaves files"
