# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Bad networks: loss, and delay on every link. Sourced by tools/bench-ring.

loss_runs() {
    local share percent lossless=
    start_ring "$1"
    for share in 0 10 100 500; do
        percent=$(awk -v s="$share" 'BEGIN { print s / 100 }')
        lose "$share"
        closed_loop 1350 stock --drain-timeout 20
        keep_throughput loss "$percent %, 1350 B"
        if [ "$share" = 0 ]; then
            lossless=$(jq .ordered_per_s <<<"$result")
        else
            keep loss "$percent %, 1350 B, share of own loss-free" ".ordered_per_s / $lossless" %.4f
        fi
    done
    lose 100
    open_loop 1350 1500 --drain-timeout 20
    keep_latency loss "1 %, 1350 B at 1500/s"
    lose 0
    stop_daemons
}

case_loss() {
    network_up 3 loss
    segment_on_hosts
    for_each_pair loss_runs
}

delay_runs() {
    local label=$1 bytes style
    start_ring "$2"
    for style in stock buffered; do
        for bytes in 64 1350; do
            closed_loop "$bytes" "$style"
            keep delay "$label, $style client, $bytes B, messages/s" .ordered_per_s %.0f
        done
    done
    bench pingpong -t "$seconds" --warmup 0.5 -b 64 --client stock
    keep delay "$label, ping-pong, p50 us" .latency.p50_us %.0f
    stop_daemons
}

lossy_delay_runs() {
    start_ring "$2"
    lose 100
    closed_loop 1350 stock --drain-timeout 20
    keep delay "$1, stock client, 1350 B, messages/s" .ordered_per_s %.0f
    open_loop 1350 1500 --drain-timeout 20
    keep_latency delay "$1, 1350 B at 1500/s"
    lose 0
    stop_daemons
}

# What the hub itself could carry, from its CPU time per frame; printed by the hub when it ends.
keep_hub_limit() {
    stop_daemons
    stop_hub
    note "hub: $hub_counts"
    record delay "$1, frames/s the hub could carry" ours \
        "$(jq -r 'if .cpu_s > 0 then .forwarded / .cpu_s | floor else 0 end' <<<"$hub_counts")"
    if [ "$(jq .overflowed <<<"$hub_counts")" -gt 0 ]; then
        complain "the hub dropped frames: $hub_counts"
    fi
    network_down
}

case_delay() {
    local a_side
    network_up 3 hub 0
    for a_side in "${sides[@]}"; do
        delay_runs "hub without delay" "$a_side"
    done
    keep_hub_limit "hub without delay"
    network_up 3 hub 10000
    for_each_pair delay_runs "10 ms"
    for_each_pair lossy_delay_runs "10 ms and 1 % lost"
    keep_hub_limit "10 ms"
}
