# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Does a ring stay together while the machine has more to do than it can? Sourced by
# tools/bench-ring. Not run unless asked for: it takes ten minutes a side.

hogs=()

start_hogs() {
    local i
    for ((i = 0; i < $(nproc); ++i)); do
        (while :; do :; done) &
        hogs+=($!)
        disown "${hogs[-1]}"
    done
}

stop_hogs() {
    local pid
    for pid in "${hogs[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    hogs=()
}

soak_run() {
    local changes beside=() pid
    network_up 3
    start_daemons "$1"
    views_start
    views_wait "$ring" 0 "$(every_daemon)" >/dev/null || no_view "no common view"
    start_hogs
    for pid in "${hogs[@]}"; do
        beside+=(--beside "$pid")
    done
    local from seconds=$soak_seconds
    from=$(now_us)
    closed_loop 1350 buffered "${beside[@]}"
    changes=$(jq -rn --argjson from "$from" '
        [inputs | select(.at_us > $from and (.event == "view" or .event == "closed"))]
        | group_by(.daemon) | map(length) | max // 0' "$work/views")
    record soak "$soak_seconds s at saturation beside CPU hogs, changed views" "$side" "$changes" \
        "${marks//\~/}"
    keep soak "1350 B beside CPU hogs, messages/s" .ordered_per_s %.0f
    stop_hogs
    views_stop
    network_down
}

case_soak() {
    local a_side
    for a_side in "${sides[@]}"; do
        soak_run "$a_side"
    done
}
