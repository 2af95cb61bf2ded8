#!/usr/bin/env bash
# run_cases.sh DAEMON INCLUDE-DIRECTORY LIBRARY CC [CASE...]
# Builds each case against a library file (.so or .a), runs it beside a daemon of its own, and compares
# what it prints with expected/.
set -euo pipefail
daemon=$1 include=$2 library=$3 cc=$4
shift 4
cases=$(cd "$(dirname "$0")/cases" && pwd)
work=$(mktemp -d)
daemon_pid=
cleanup() {
    if [ -n "$daemon_pid" ]; then
        kill "$daemon_pid" 2>/dev/null || true
        wait "$daemon_pid" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT

# The Unix socket has to be where the libraries look for it: /tmp/PORT.
start_daemon() {
    local attempt i
    for attempt in 1 2 3 4 5 6 7 8; do
        port=$((20000 + (RANDOM + attempt) % 10000))
        [ ! -e "/tmp/$port" ] || continue
        printf 'Spread_Segment 127.0.0.255:%s {\n    d1 127.0.0.1\n}\n' "$port" >"$work/spread.conf"
        "$daemon" -c "$work/spread.conf" -n d1 >"$work/daemon.log" 2>&1 &
        daemon_pid=$!
        for ((i = 0; i < 100; i++)); do
            kill -0 "$daemon_pid" 2>/dev/null || break
            if [ -S "/tmp/$port" ] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
                return
            fi
            sleep 0.1
        done
        kill "$daemon_pid" 2>/dev/null || true
        wait "$daemon_pid" 2>/dev/null || true
        daemon_pid=
    done
    echo "no daemon would start; the last one said:" >&2
    cat "$work/daemon.log" >&2
    exit 2
}
start_daemon

export SPREAD=$port@127.0.0.1
if [ $# -eq 0 ]; then
    for source in "$cases"/[0-9][0-9]_*.c; do
        set -- "$@" "$(basename "$source" .c)"
    done
fi
status=0
for name; do
    # The flush layer is in libspread alone.
    if [ "$name" = 27_flush ] && [[ $(basename "$library") != libspread.* ]]; then
        continue
    fi
    "$cc" -std=gnu11 -O1 -w -I"$include" "$cases/$name.c" -o "$work/$name" "$library" \
        -Wl,-rpath,"$(dirname "$library")" -lpthread
    timeout 60 "$work/$name" </dev/null 2>"$work/$name.err" | grep -av '^E_' >"$work/$name.out" || true
    if cmp -s "$cases/expected/$name.out" "$work/$name.out"; then
        echo "ok   $name"
    else
        echo "FAIL $name"
        diff "$cases/expected/$name.out" "$work/$name.out" | head -20 || true
        cat "$work/$name.err"
        status=1
    fi
done
exit $status
