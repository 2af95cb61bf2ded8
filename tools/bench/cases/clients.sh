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

# Whether looking costs anything: 990 clients, and readers that ask for all of them, status and metrics
# once a second. Without and with them in alternation.
watch_pids=()
watch_start() {
    local path control=$work/${side}1/4803.ctl
    for path in clients status; do
        (while :; do
            timeout 5 "$bin/spreadctl" -s "$control" "$path" --json >/dev/null 2>&1 || true
            sleep 1
        done) &
        watch_pids+=($!)
    done
}

watch_stop() {
    local pid
    for pid in "${watch_pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    watch_pids=()
}

watched_runs() {
    local style=buffered
    [ "$1" = ours ] || return 0
    start_ring "$1"
    bench fanout -b 200 -t "$seconds" --warmup 0.5 -R 990 -w 20 --client "$style"
    keep watched "990 clients, nobody looks, deliveries/s" .delivered_per_s %.0f
    keep watched "990 clients, nobody looks, CPU us/delivery" .cpu.per_delivered_us %.3f
    watch_start
    bench fanout -b 200 -t "$seconds" --warmup 1 -R 990 -w 20 --client "$style"
    watch_stop
    keep watched "990 clients, readers of 1 Hz, deliveries/s" .delivered_per_s %.0f
    keep watched "990 clients, readers of 1 Hz, CPU us/delivery" .cpu.per_delivered_us %.3f
    stop_daemons
}

case_watched() {
    network_up 1
    for_each_pair watched_runs
}

# A client that sends 100 messages/s: alone, beside one that sends all it can on another daemon, and
# beside the same on its own daemon. What the second adds to the first is the price of a full ring.
# Slow links fill the ring, and leave processors to those that wait: without them the figures say
# whom the scheduler of a host prefers on which all daemons and clients run.
noise_pid=
noise_start() { # DAEMON BYTES
    "$bin/spbench" -q load -d "$1" -b "$2" -w 3000 -t 86400 --client buffered >/dev/null 2>&1 &
    noise_pid=$!
    disown "$noise_pid"
    sleep 0.5
}

noise_stop() {
    [ -n "$noise_pid" ] || return 0
    kill "$noise_pid" 2>/dev/null || true
    noise_pid=
}

fair_run() { # WHERE-THE-NOISE-IS NOISE-BYTES
    local beside=()
    start_ring "$3"
    local quiet=${daemons[1]} other=${daemons[3]} what="quiet client alone"
    if [ "$1" != none ]; then
        what="beside noise of $2 B on its daemon"
        [ "$1" = same ] || what="beside noise of $2 B on another daemon"
        [ "$1" = same ] && noise_start "$quiet" "$2" || noise_start "$other" "$2"
        beside=(--beside "$noise_pid")
    fi
    daemons=(-d "$quiet")
    bench load -b 200 -t $((seconds * 4)) --warmup 0.5 --rate 100 --client stock "${beside[@]}"
    [ -z "$noise_pid" ] || kill -0 "$noise_pid" 2>/dev/null || complain "$side: the noise ended"
    noise_stop
    keep_latency fair "$what"
    stop_daemons
}

fair_runs() {
    local bytes
    fair_run none 0 "$1"
    for bytes in 200 1350 30000; do
        fair_run other "$bytes" "$1"
        fair_run same "$bytes" "$1"
    done
}

case_fair() {
    network_up 3
    limit_links 100mbit
    for_each_pair fair_runs
}
