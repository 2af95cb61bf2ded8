#!/usr/bin/env bash
# playground.sh ROOT BIN
# tools/playground, without a person: both sides of a cut see the same story, each its own part of it.
set -euo pipefail
# In a network of its own, where all ports are free, if the system allows that.
if [ -z "${PLAYGROUND_IS_APART:-}" ] && unshare -rn ip link set lo up 2>/dev/null; then
    export PLAYGROUND_IS_APART=yes
    # shellcheck disable=SC2016  # expanded by the inner shell
    exec unshare -rn bash -c 'ip link set lo up && exec "$0" "$@"' "$0" "$@"
fi
output=$(mktemp)
trap 'rm -f "$output"' EXIT
port=$((20000 + RANDOM % 9000))
"$1/tools/playground" --bin "$2" --port "$port" >"$output" 2>&1 <<'COMMANDS' ||
say n1 before
cut n1 n2 / n3 n4 n5
say n2 small side
say n5 large side
heal
kill n4
say n3 without dan
start n4
status
COMMANDS
    { cat "$output"; echo "playground.sh: it ended with an error"; exit 1; }
failed=
# expect COUNT TEXT: so many lines hold the text.
expect() {
    local count
    count=$(grep -cF -- "$2" "$output" || true)
    [ "$count" -eq "$1" ] || { echo "playground.sh: $count lines and not $1 hold: $2"; failed=yes; }
}
expect 5 'gets   "before" from ann'
expect 2 'gets   "small side" from ben'
expect 3 'gets   "large side" from eve'
expect 0 'n3 cleo gets   "small side"'
expect 4 'gets   "without dan" from cleo'
expect 1 'n1 ann   view   ann ben   (the network changed; with us came ann ben)'
expect 1 'n5 eve   view   cleo dan eve   (the network changed; with us came cleo dan eve)'
expect 2 'view   ann ben cleo dan eve   (the network changed; with us came ann ben)'
expect 1 'n2 ben   view   ann ben cleo eve   (the network changed; with us came ann ben cleo eve)'
expect 1 'HEALTHY  ring of 5 of 5'
[ -z "$failed" ] || { cat "$output"; exit 1; }
