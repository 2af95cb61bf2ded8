#!/usr/bin/env bash
# run_cases.sh [OPTION...] DAEMON INCLUDE-DIRECTORY LIBRARY CC [CASE...]
# Builds each case against a library file (.so or .a), runs it beside a daemon of its own, and compares
# what it prints with expected/.
#   --unix    the daemon's Unix socket instead of TCP
#   --swap    builds against the headers and the shared library of stock's, and puts LIBRARY in its
#             place by LD_LIBRARY_PATH
#   --stock   beside stock's daemon instead of DAEMON
# The last two need SPREAD_STOCK_DIR, an installed stock Spread 5.0.1, and without it skip (77).
set -euo pipefail
over_unix=0 swap=0 stock=0
while [[ $1 = --* ]]; do
    case $1 in
        --unix) over_unix=1 ;;
        --swap) swap=1 ;;
        --stock) stock=1 ;;
        *)
            echo "run_cases.sh: unknown option $1" >&2
            exit 2
            ;;
    esac
    shift
done
if [ $((swap + stock)) -gt 0 ] && [ -z "${SPREAD_STOCK_DIR:-}" ]; then
    echo "SPREAD_STOCK_DIR is not set: NOT TESTED"
    exit 77
fi
daemon=$1 include=$2 library=$3 cc=$4
shift 4
name=$(basename "$library")
linked=$library path=$(dirname "$library")
if [ $swap = 1 ]; then
    include=$SPREAD_STOCK_DIR/include linked=$SPREAD_STOCK_DIR/lib/$name
fi
user=
if [ $stock = 1 ]; then
    daemon=$SPREAD_STOCK_DIR/sbin/spread
    # Started as root, it insists on changing to a user that exists.
    user=$(printf 'DaemonUser = %s\nDaemonGroup = %s\nRuntimeDir = /tmp\n' "$(id -un)" "$(id -gn)")
fi
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
        printf '%s\nSpread_Segment 127.0.0.255:%s {\n    d1 127.0.0.1\n}\n' "$user" "$port" \
            >"$work/spread.conf"
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
if [ $over_unix = 1 ]; then
    SPREAD=$port
fi
if [ $# -eq 0 ]; then
    for source in "$cases"/[0-9][0-9]_*.c; do
        set -- "$@" "$(basename "$source" .c)"
    done
fi
status=0
for case; do
    # The flush layer is in libspread alone.
    if [ "$case" = 27_flush ] && [[ $name != libspread.* ]]; then
        continue
    fi
    # It takes its name again at once, which stock's daemon gives back late.
    if [ "$case" = 04_timeouts ] && [ $stock = 1 ]; then
        continue
    fi
    "$cc" -std=gnu11 -O1 -w -I"$include" "$cases/$case.c" -o "$work/$case" "$linked" -lpthread
    LD_LIBRARY_PATH=$path timeout 60 "$work/$case" </dev/null 2>"$work/$case.err" |
        grep -av '^E_' >"$work/$case.out" || true
    if cmp -s "$cases/expected/$case.out" "$work/$case.out"; then
        echo "ok   $case"
    else
        echo "FAIL $case"
        diff "$cases/expected/$case.out" "$work/$case.out" | head -20 || true
        cat "$work/$case.err"
        status=1
    fi
done
exit $status
