# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Network namespaces, one per daemon ("host"), on a bridge or on the delay hub. Sourced by
# tools/bench-ring, which sets `work` and `bin`.

prefix=sb$$
ring=0          # hosts that exist
network_kind=   # what they were made for
hub_pid=
hub_counts=

# network_up HOSTS [hub DELAY_US]: makes what is not there yet.
network_up() {
    local hosts=$1 kind="$*" i
    [ "$kind" = "$network_kind" ] && return
    network_down
    ring=$hosts
    network_kind=$kind
    ip netns add "${prefix}br"
    if [ "${2:-}" != hub ]; then
        ip -n "${prefix}br" link add br0 type bridge mcast_snooping 0
        ip -n "${prefix}br" link set br0 up
    fi
    for ((i = 1; i <= ring; ++i)); do
        ip netns add "$prefix$i"
        ip link add eth0 netns "$prefix$i" type veth peer name "p$i" netns "${prefix}br"
        ip -n "$prefix$i" addr add "10.97.0.$i/24" broadcast 10.97.0.255 dev eth0
        ip -n "$prefix$i" link set eth0 up
        ip -n "$prefix$i" link set lo up
        # Where a daemon closed a connection first, its port would stay taken for a minute, and the
        # next of stock's daemons could not listen.
        in_host "$i" sysctl -qw net.ipv4.tcp_max_tw_buckets=0
        ip -n "$prefix$i" route add 239.0.0.0/8 dev eth0
        if [ "${2:-}" != hub ]; then
            ip -n "${prefix}br" link set "p$i" master br0
        fi
        ip -n "${prefix}br" link set "p$i" up
    done
    if [ "${2:-}" = hub ]; then
        start_hub "$3"
    fi
}

network_down() {
    local i
    stop_daemons
    stop_hub
    for ((i = 1; i <= ring; ++i)); do
        ip netns delete "$prefix$i" 2>/dev/null || true
    done
    ip netns delete "${prefix}br" 2>/dev/null || true
    ring=0
    network_kind=
}

in_host() {
    local host=$1
    shift
    ip netns exec "$prefix$host" "$@"
}

# segment_on_hosts: hosts cut what they send into single packets before it leaves them, as a network
# card would. Without it the packets that a daemon hands over in one piece cross the bridge in one
# piece: they would be lost together, and be too long for the hub.
segment_on_hosts() {
    local i
    for ((i = 1; i <= ring; ++i)); do
        ip -n "$prefix$i" link set eth0 gso_max_segs 1
    done
}

# limit_links RATE: every host sends so much (as tc says it: 100mbit), and what is more waits.
limit_links() {
    local i
    for ((i = 1; i <= ring; ++i)); do
        in_host "$i" tc qdisc replace dev eth0 root tbf rate "$1" burst 64kb limit 8mb
    done
}

# lose SHARE-OF-10000: every host drops that share of the UDP packets that arrive, each packet with
# a luck of its own.
lose() {
    local i
    for ((i = 1; i <= ring; ++i)); do
        in_host "$i" nft flush ruleset
        if [ "$1" -gt 0 ]; then
            in_host "$i" nft -f - <<NFT
table inet bench {
    chain in {
        type filter hook input priority 0
        meta l4proto udp numgen random mod 10000 < $1 drop
    }
}
NFT
        fi
    done
}

# cut HOST, join HOST: its link, at the network's end; the host itself notices nothing at first.
cut_link() {
    ip -n "${prefix}br" link set "p$1" down
}

join_link() {
    ip -n "${prefix}br" link set "p$1" up
}

# ---- The hub: this kernel may have no netem -----------------------------------------------------

start_hub() {
    local delay_us=$1 i interfaces=()
    for ((i = 1; i <= ring; ++i)); do
        interfaces+=("p$i")
    done
    segment_on_hosts
    ip netns exec "${prefix}br" "$bin/spread_delay_hub" --delay-us "$delay_us" "${interfaces[@]}" \
        >"$work/hub" 2>&1 &
    hub_pid=$!
    for ((i = 0; i < 100; ++i)); do
        grep -q ready "$work/hub" && return
        sleep 0.05
    done
    die "the delay hub did not start: $(cat "$work/hub")"
}

# stop_hub: leaves the hub's counts, as JSON, in $hub_counts.
stop_hub() {
    [ -n "$hub_pid" ] || return 0
    kill "$hub_pid" 2>/dev/null || true
    wait "$hub_pid" 2>/dev/null || true
    hub_pid=
    hub_counts=$(tail -n 1 "$work/hub")
}
