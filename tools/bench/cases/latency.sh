# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Latency under load, idle latency, and the cost of little load. Sourced by tools/bench-ring.

# What stock carries in closed loop, messages/s by payload: measured once a run of bench-ring;
# without stock the figures it had on the two-core machine of the first measurements.
declare -A stock_max=()
declare -A stock_max_default=([200]=35000 [1350]=14000)

find_stock_max() {
    local bytes=$1 measured try
    [ -z "${stock_max[$bytes]:-}" ] || return 0
    measured=$(median throughput "stock client, $bytes B, messages/s" stock)
    if [ -z "$measured" ] && [ -n "$stock" ]; then
        start_ring stock
        for ((try = 0; try < 3; ++try)); do
            closed_loop "$bytes" stock
            keep latency "stock's maximum, $bytes B, messages/s" .ordered_per_s %.0f
        done
        stop_daemons
        measured=$(median latency "stock's maximum, $bytes B, messages/s" stock)
    fi
    if [ -z "$measured" ]; then
        measured=${stock_max_default[$bytes]}
        complain "stock was not measured: latency at shares of $measured messages/s ($bytes B)"
    fi
    stock_max[$bytes]=$measured
    note "stock's maximum at $bytes B: $measured messages/s"
}

# latency_at BYTES SERVICE PERCENT...
latency_at() {
    local bytes=$1 service=$2 percent rate
    shift 2
    for percent in "$@"; do
        rate=$(awk -v max="${stock_max[$bytes]}" -v p="$percent" 'BEGIN { printf "%.0f", max * p / 100 }')
        open_loop "$bytes" "$rate" --service "$service"
        keep_latency latency "$bytes B, $service, $percent % of stock's maximum"
    done
}

latency_runs() {
    start_ring "$1"
    latency_at 1350 agreed 10 30 50 70 90
    latency_at 1350 safe 10 50
    latency_at 200 agreed 10 50
    latency_at 200 safe 10 50
    stop_daemons
}

case_latency() {
    network_up 3
    find_stock_max 200
    find_stock_max 1350
    for_each_pair latency_runs
}

low_load_runs() {
    start_ring "$1"
    bench pingpong -t "$seconds" --warmup 0.5 -b 64 --client stock
    keep_latency low-load "ping-pong, idle ring"
    open_loop 200 1000
    keep low-load "200 B at 1000/s, CPU us/message" .cpu.per_ordered_us %.1f
    keep_latency low-load "200 B at 1000/s"
    bench idle -t "$seconds" --warmup 1
    keep low-load "idle ring, CPU per cent and daemon" "100 * .cpu.daemons_s / .cpu.wall_s / $ring" %.3f
    if [ "$syscall_counter" = tracepoint ]; then
        bench idle -t "$seconds" --warmup 1 --count-syscalls
        keep low-load "idle ring, system calls/s and daemon" ".cpu.syscalls_per_s / $ring" %.1f
    fi
    stop_daemons
}

case_low-load() {
    network_up 3
    mount_tracefs
    start_ring ours
    choose_syscall_counter
    stop_daemons
    for_each_pair low_load_runs
    unmount_tracefs
}
