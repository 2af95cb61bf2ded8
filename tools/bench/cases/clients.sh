# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Many clients: one to many, and joins and leaves in a full group. Sourced by tools/bench-ring.

# Stock takes at most 997 sessions.
fanout_runs() {
    local clients style
    start_ring "$1"
    for style in stock buffered; do
        for clients in 100 990; do
            bench fanout -b 200 -t "$seconds" --warmup 0.5 -R "$clients" -w 20 --client "$style"
            keep fanout "$clients clients on a daemon, $style client, 200 B, deliveries/s" \
                .delivered_per_s %.0f
        done
    done
    stop_daemons
}

case_fanout() {
    network_up 1
    for_each_pair fanout_runs
}

# Members that stay and others that come and go, on three daemons.
joins_run() { # STYLE COMING_EACH STAYING
    bench joins -c "$2" --members "$3" -t "$seconds" --warmup 0.5 --client "$1"
    keep joins "group of 63, $(($2 * 3)) come and go, $1 client, joins and leaves/s" .changes_per_s %.0f
    keep joins "group of 63, $(($2 * 3)) come and go, $1 client, CPU us each" .cpu.per_change_us %.1f
}

joins_runs() {
    local style
    start_ring "$1"
    for style in stock buffered; do
        joins_run "$style" 1 60
        joins_run "$style" 4 51
    done
    stop_daemons
}

case_joins() {
    network_up 3
    for_each_pair joins_runs
}
