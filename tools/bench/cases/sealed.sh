# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# A ring with a key beside the same ring without, in alternation: what sealing costs. Sourced by
# tools/bench-ring.

sealed=             # how the ring that is started is sealed: "", "sealed" or "openssl"
sealed_sizes=(64 200 1350 8850)

# What a ring with a key has in its file beside the segment.
sealed_options() {
    [ -n "$sealed" ] || return 0
    rm -f "$work/ring.keys"
    "$bin/spreadctl" key new "$work/ring.keys" >/dev/null
    echo "RingKeyFile = \"$work/ring.keys\""
}

sealed_runs() {
    local bytes
    start_ring ours
    for bytes in "${sealed_sizes[@]}"; do
        closed_loop "$bytes" buffered
        keep_throughput sealed "${sealed:-plain}, $bytes B"
    done
    open_loop 1350 1000
    keep_latency sealed "${sealed:-plain}, 1350 B at 1000/s"
    stop_daemons
}

# sealed_ratio HOW MEASURE: of the medians, beside those of a plain ring.
sealed_ratio() {
    local mine plain
    mine=$(median sealed "$1, $2" ours)
    plain=$(median sealed "plain, $2" ours)
    [ -z "$mine" ] || [ -z "$plain" ] ||
        record sealed "$1 / plain, $2" ours "$(awk -v a="$mine" -v b="$plain" 'BEGIN { printf "%.3f", a / b }')"
}

case_sealed() {
    local pair how bytes hows=("" sealed)
    [ -z "$openssl" ] || hows+=(openssl)
    network_up 3
    for ((pair = 0; pair < pairs; ++pair)); do
        for how in "${hows[@]}"; do
            sealed=$how
            sealed_runs
        done
    done
    sealed=
    for how in "${hows[@]:1}"; do
        for bytes in "${sealed_sizes[@]}"; do
            sealed_ratio "$how" "$bytes B, CPU us/message"
            sealed_ratio "$how" "$bytes B, messages/s"
        done
        sealed_ratio "$how" "1350 B at 1000/s, p50 us"
    done
}
