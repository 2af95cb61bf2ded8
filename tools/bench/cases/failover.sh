# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# How long clients wait for a new view when daemons come, go, or lose their link. The times are
# those at which spbench's clients read the view; polling for them adds nothing. Sourced by
# tools/bench-ring.

# watched_ring SIDE: a ring with a client at each daemon that shares a view, idle for a second.
watched_ring() {
    network_up 3
    start_daemons "$1"
    views_start
    views_wait "$ring" 0 "$(every_daemon)" >/dev/null || no_view "no common view"
    sleep 1
    ticks=$(machine_ticks)
}

# keep_ms CASE MEASURE FROM_US TO_US
keep_ms() {
    record "$1" "$2" "$side" "$(awk -v a="$3" -v b="$4" 'BEGIN { printf "%.1f", (b - a) / 1000 }')" \
        "$(busy_mark "$ticks")"
}

# lose_third CASE MEASURE COMMAND...: runs COMMAND and waits for the view without the third daemon.
lose_third() {
    local a_case=$1 measure=$2 at
    shift 2
    lost_at=$(now_us)
    "$@"
    at=$(views_wait 2 "$lost_at" "0 1") || no_view "no view without the third daemon"
    keep_ms "$a_case" "$measure" "$lost_at" "$at"
}

# The next run gets new hosts, in which nothing of the dead daemon is left.
end_of_watch() {
    views_stop
    network_down
}

kill_run() {
    watched_ring "$1"
    lose_third kill "kill -9, host answers, ms" kill -9 "${pids[3]}"
    end_of_watch
}

case_kill() {
    for_each_pair kill_run
}

stop_run() {
    watched_ring "$1"
    lose_third stop "SIGTERM, ms" kill -TERM "${pids[3]}"
    end_of_watch
}

case_stop() {
    for_each_pair stop_run
}

cut_run() {
    local from at
    watched_ring "$1"
    lose_third cut "link cut, ms" cut_link 3
    views_wait 1 "$lost_at" 2 >/dev/null || no_view "no view of the third daemon alone"
    sleep 2
    ticks=$(machine_ticks)
    from=$(now_us)
    join_link 3
    at=$(views_wait 3 "$from" "0 1 2") || no_view "no common view after the cut"
    keep_ms cut "heal of an idle partition, ms" "$from" "$at"
    end_of_watch
}

case_cut() {
    for_each_pair cut_run
}

start_run() {
    local hosts=$1 from at
    network_up "$hosts"
    from=$(now_us)
    start_daemons "$2"
    views_start
    at=$(views_wait "$ring" "$from" "$(every_daemon)") || no_view "no common view"
    # Starting is work, so how busy the machine was says nothing.
    record start "first ring of $ring, ms" "$side" \
        "$(awk -v a="$from" -v b="$at" 'BEGIN { printf "%.1f", (b - a) / 1000 }')"
    end_of_watch
}

case_start() {
    local hosts
    for hosts in 3 5; do
        for_each_pair start_run "$hosts"
    done
}
