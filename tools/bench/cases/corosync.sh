# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Corosync's closed process groups beside our daemons, where it is installed. Sourced by
# tools/bench-ring.

corosync_missing=   # what is not installed, for the table

is_corosync() {
    [[ $side == corosync* ]]
}

# What of it this machine does not have, with the Debian packages that bring it; nothing when all is
# there.
missing_for_corosync() {
    local missing=()
    command -v corosync >/dev/null || missing+=("the program corosync (package corosync)")
    "$bin/cpgbench" --help >/dev/null 2>&1 ||
        missing+=("libcpg to build cpgbench with (package libcpg-dev)")
    [ ${#missing[@]} -eq 0 ] || printf '%s' "${missing[0]}${missing[1]:+ and ${missing[1]}}"
}

# The version, "" where there is none.
corosync_version() {
    corosync -v 2>/dev/null | sed -n "s/.*version '\(.*\)'.*/\1/p"
}

# Corosync's defaults, but for two: no cryptography (with udp there is none in any case), and no
# real-time priority, which nobody else here has. The multicast address follows from the cluster's name.
write_corosync_configuration() {
    local i transport=udp
    [ "$side" = corosync ] || transport=knet
    {
        echo "totem {
            version: 2
            cluster_name: bench
            transport: $transport
            crypto_cipher: none
            crypto_hash: none
        }"
        echo "nodelist {"
        for ((i = 1; i <= ring; ++i)); do
            echo "node {
                name: d$i
                nodeid: $i
                ring0_addr: 10.97.0.$i
            }"
        done
        echo "}"
        echo "system {
            sched_rr: no
            move_to_root_cgroup: no
            state_dir: /run
        }
        resources {
            watchdog_device: off
        }
        logging {
            to_stderr: yes
            to_syslog: no
        }"
    } >"$work/corosync.conf"
}

# Until each process is corosync itself, in namespaces of its own, which cpgbench enters.
wait_for_corosync() {
    local pid try
    for pid in "${pids[@]}"; do
        for ((try = 0; try < 200; ++try)); do
            [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != corosync ] || continue 2
            sleep 0.05
        done
        no_view "corosync did not start"
    done
}

# corosync_load ARGUMENTS...: CPG's library takes and hands over messages in shared memory; of our two
# kinds of clients the buffering one is nearer to that.
corosync_load() {
    is_corosync || set -- load --client buffered "$@"
    bench "$@" -t "$seconds" --warmup 0.5
}

corosync_runs() {
    local bytes rate
    start_ring "$1"
    for bytes in "${throughput_sizes[@]}"; do
        corosync_load -b "$bytes" -w "$(window "$bytes")"
        keep_throughput corosync "$bytes B"
    done
    for rate in 1200 6000; do
        corosync_load -b 1350 --rate "$rate"
        keep_latency corosync "1350 B at $rate/s"
    done
    stop_daemons
}

case_corosync() {
    local pair a_side
    corosync_missing=$(missing_for_corosync)
    if [ -n "$corosync_missing" ]; then
        note "case corosync is left out, not installed: $corosync_missing"
        return 0
    fi
    network_up 3
    for ((pair = 0; pair < pairs; ++pair)); do
        for a_side in ours corosync corosync-knet; do
            corosync_runs "$a_side"
        done
    done
}
