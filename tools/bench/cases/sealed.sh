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

# sealed_run HOW closed BYTES | sealed_run HOW open: on a ring that is started for it.
sealed_run() {
    local sealed=$1 name=${1:-plain}
    start_ring ours
    if [ "$2" = closed ]; then
        closed_loop "$3" buffered
        keep_throughput sealed "$name, $3 B"
        figures[$name, messages/s]=$(jq .ordered_per_s <<<"$result")
        figures[$name, CPU us/message]=$(jq .cpu.per_ordered_us <<<"$result")
    else
        open_loop 1350 1000
        keep_latency sealed "$name, 1350 B at 1000/s"
        figures[$name, p50 us]=$(jq .latency.p50_us <<<"$result")
    fi
    figures[$name, marks]=$marks
    stop_daemons
}

# sealed_ratios HOW TEXT MEASURE...: beside the plain run of the same turn. A run that failed spoils it.
sealed_ratios() {
    local how=$1 text=$2 measure
    shift 2
    for measure; do
        record sealed "$how / plain, $text$measure" ours \
            "$(awk -v a="${figures[$how, $measure]}" -v b="${figures[plain, $measure]}" 'BEGIN { printf "%.3f", a / b }')" \
            "${figures[$how, marks]}${figures[plain, marks]}"
    done
}

# A processor that others use too has faster and slower minutes. So what is compared runs one after the
# other, in both orders by turns, and the table has the medians of the ratios.
case_sealed() {
    local pair bytes how hows=("" sealed) order
    local -A figures=()
    [ -z "$openssl" ] || hows+=(openssl)
    network_up 3
    for ((pair = 0; pair < pairs; ++pair)); do
        order=("${hows[@]}")
        ((pair % 2 == 0)) || mapfile -t order < <(printf '%s\n' "${hows[@]}" | tac)
        for bytes in "${sealed_sizes[@]}"; do
            for how in "${order[@]}"; do
                sealed_run "$how" closed "$bytes"
            done
            for how in "${hows[@]:1}"; do
                sealed_ratios "$how" "$bytes B, " "messages/s" "CPU us/message"
            done
        done
        for how in "${order[@]}"; do
            sealed_run "$how" open
        done
        for how in "${hows[@]:1}"; do
            sealed_ratios "$how" "1350 B at 1000/s, " "p50 us"
        done
    done
}
