# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Starting and stopping the daemons of one side, "ours", "stock", "before", "corosync" or
# "corosync-knet".
# Sourced by tools/bench-ring.

side=           # whose daemons run
pids=()         # by host
daemons=()      # arguments that tell spbench of them
loader=()       # the load generator for them

write_configuration() {
    local i
    {
        echo "Spread_Segment 239.192.9.7:4803 {"
        for ((i = 1; i <= ring; ++i)); do
            echo "    d$i 10.97.0.$i"
        done
        echo "}"
        sealed_options
    } >"$work/spread.conf"
    chmod 644 "$work/spread.conf"
}

exec_in_host() {
    local host=$1
    shift
    exec ip netns exec "$prefix$host" "$@"
}

# start_daemon HOST
start_daemon() {
    local host=$1 dir=$work/$side$1
    mkdir -p "$dir"
    case $side in
        ours | before)
            local program=$bin/spreadd
            [ "$side" = ours ] || program=$before
            [ "$sealed" != openssl ] || program=$openssl
            # exec: the process to measure and to kill is the daemon itself.
            exec_in_host "$host" "$program" -n "d$host" -c "$work/spread.conf" \
                --unix-dir "$dir" --state-dir "$dir" >"$dir/log" 2>&1 &
            ;;
        stock)
            cp "$work/spread.conf" "$dir/"
            chown -R nobody "$dir"
            # It does not run as root without a user of its own. Its Unix socket is /tmp/4803 in
            # every host, so each gets a /tmp of its own (ip netns exec has made the mounts private).
            exec_in_host "$host" sh -c "mount --bind '$dir' /tmp && cd /tmp &&
                exec setpriv --reuid=nobody --regid=nogroup --clear-groups \
                '$stock/sbin/spread' -n d$host -c /tmp/spread.conf" >"$dir/log" 2>&1 &
            ;;
        corosync*)
            # Its lock, its state and the shared memory of its clients are gone when it is.
            exec_in_host "$host" sh -c "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /dev/shm &&
                exec corosync -f -c '$work/corosync.conf'" >"$dir/log" 2>&1 &
            ;;
    esac
    pids[host]=$!
    disown "${pids[host]}"  # its death is no news
}

# start_daemons SIDE: does not wait for anything.
start_daemons() {
    local i
    stop_daemons
    side=$1
    daemons=()
    if is_corosync; then
        write_corosync_configuration
        loader=("$bin/cpgbench")  # is told of corosync by the process ids
    else
        write_configuration
        loader=("$bin/spbench" --json -q)
    fi
    for ((i = 1; i <= ring; ++i)); do
        is_corosync || daemons+=(-d "ns:$prefix$i:4803@10.97.0.$i")
        start_daemon "$i"
    done
}

# start_ring SIDE: the same, and waits until a client of each daemon has all others in its view.
start_ring() {
    start_daemons "$1"
    if is_corosync; then
        wait_for_corosync  # and cpgbench waits for the ring
        return
    fi
    views_start
    views_wait "$ring" 0 "$(every_daemon)" >/dev/null ||
        no_view "the ring of $ring daemons did not form"
    views_stop
}

# no_view TEXT: ends everything, saying what daemons and clients had to say last.
no_view() {
    tail -n 5 "$work/$side"*/log "$work/views" "$work/views.err" >&2 || true
    die "$side: $1"
}

stop_daemons() {
    local pid
    for pid in "${pids[@]}"; do
        kill -9 "$pid" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        while kill -0 "$pid" 2>/dev/null; do
            sleep 0.01
        done
    done
    pids=()
}

# The ring may have lost a daemon that crashed: that is a result, and the next run needs a ring.
daemons_run() {
    local host
    for host in "${!pids[@]}"; do
        kill -0 "${pids[host]}" 2>/dev/null || return 1
    done
    [ "${#pids[@]}" -eq "$ring" ]
}
