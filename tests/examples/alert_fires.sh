#!/usr/bin/env bash
# alert_fires.sh RULES BIN
# A real Prometheus scrapes three daemons; one is killed, and SpreadRingIncomplete and SpreadDaemonDown
# fire. The rules are those that operators get, with seconds in place of minutes to wait. 77: there is
# no prometheus (of the Debian package of that name), or no network to run it in.
set -euo pipefail
for program in prometheus promtool; do
    command -v "$program" >/dev/null || { echo "no $program: not checked"; exit 77; }
done
# In a network of its own, where all ports are free.
if [ -z "${ALERT_IS_APART:-}" ]; then
    unshare -rn true 2>/dev/null || { echo "no network namespaces: not checked"; exit 77; }
    export ALERT_IS_APART=yes
    # shellcheck disable=SC2016  # expanded by the inner shell
    exec unshare -rn bash -c 'ip link set lo up && exec "$0" "$@"' "$0" "$@"
fi
rules=$1 bin=$2
work=$(mktemp -d)
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap cleanup EXIT

for i in 1 2 3; do
    mkdir "$work/n$i"
    {
        echo "Spread_Segment 127.0.0.255:4803 { n1 127.0.0.1  n2 127.0.0.2  n3 127.0.0.3 }"
        echo "AdminListen = \"127.0.0.$i:4805\""
    } >"$work/n$i/spread.conf"
    "$bin/spreadd" -n "n$i" -c "$work/n$i/spread.conf" --unix-dir "$work/n$i" --state-dir "$work/n$i" \
        --log-file "$work/n$i/log" &
    pids+=($!)
done
sed -E 's/^( +for:) .*/\1 2s/' "$rules/spread.rules.yml" >"$work/rules.yml"
cat >"$work/prometheus.yml" <<'END'
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: spread
    static_configs: [{targets: ["127.0.0.1:4805", "127.0.0.2:4805", "127.0.0.3:4805"]}]
END
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --web.listen-address=127.0.0.1:9090 >"$work/prometheus.log" 2>&1 &
pids+=($!)

# answer QUERY: how many series it has.
answer() {
    promtool query instant http://127.0.0.1:9090 "$1" 2>/dev/null | grep -c '=>' || true
}
# await COUNT QUERY: until it has so many series, for a minute and a half.
await() {
    local end=$((SECONDS + 90))
    until [ "$(answer "$2")" -eq "$1" ]; do
        if [ "$SECONDS" -gt "$end" ]; then
            echo "alert_fires.sh: not $1 but $(answer "$2") series of $2"
            tail -n 5 "$work"/n*/log "$work/prometheus.log"
            exit 1
        fi
        sleep 0.3
    done
}
await 3 'spread_ring_members == 3'
await 3 'up{job="spread"} == 1'
[ "$(answer 'ALERTS{alertname="SpreadRingIncomplete",alertstate="firing"}')" -eq 0 ] ||
    { echo "alert_fires.sh: an alert of a ring that is whole"; exit 1; }
kill -KILL "${pids[2]}"
await 2 'ALERTS{alertname="SpreadRingIncomplete",alertstate="firing"}'
await 1 'ALERTS{alertname="SpreadDaemonDown",alertstate="firing",instance="127.0.0.3:4805"}'
echo "both alerts fire"
