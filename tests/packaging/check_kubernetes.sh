#!/usr/bin/env bash
# check_kubernetes.sh BIN MANIFEST: programs and manifest fit together. The daemon takes the ConfigMap's configuration with
# the container's arguments, and spreadctl has the commands of the probes. With a cluster at hand (kubectl), it takes the
# manifest, too.
set -euo pipefail
bin=$1
manifest=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "check_kubernetes.sh: $1"
    exit 1
}
"$bin/spreadctl" key new "$work/ring.keys" >/dev/null
awk '/^  spread.conf: \|/ { on = 1; next } on && !/^    / { exit } on { print substr($0, 5) }' "$manifest" |
    sed "s|/etc/spread/keys/|$work/|" >"$work/spread.conf"
args=$(sed -n 's/^ *args: \[\(.*\)\]$/\1/p' "$manifest" | tr -d ',')
[ -n "$args" ] || fail "no args in $manifest"
# shellcheck disable=SC2086 # words, as the container gets them
check() {
    local name=$1
    set -- ${args//'$(POD_NAME)'/$name}
    "$bin/spreadd" "${@/#\/etc\/spread\/conf/$work}" --check
}
check spread-0 >"$work/out" 2>&1 || { cat "$work/out"; fail "the daemon refuses the configuration"; }
[ "$(grep -c "^Daemon 'spread-" "$work/out")" -eq 10 ] || { cat "$work/out"; fail "not ten daemons"; }
grep -q "^Daemon 'spread-0' .*spread-0.spread-ring .*(this one)" "$work/out" || fail "spread-0 is not itself"
check spread-9 >/dev/null
! check spread-10 >/dev/null 2>&1 || fail "there is no daemon spread-10"
for command in $(sed -n 's/.*command: \[spreadctl, \([a-z]*\)\].*/\1/p' "$manifest"); do
    "$bin/spreadctl" "$command" --help >/dev/null || fail "spreadctl has no command $command"
done
if ! command -v kubectl >/dev/null || ! kubectl --request-timeout=5s version >/dev/null 2>&1; then
    echo "no kubectl, or no cluster: the manifest itself is not tested"
    exit 0
fi
kubectl apply --dry-run=server -f "$manifest"
