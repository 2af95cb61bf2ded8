# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Runs of spbench (cpgbench for corosync) against the daemons that run, and what other programs did
# meanwhile. Sourced by tools/bench-ring.

result=         # the last run's JSON
marks=          # what is to be said of it, see marks_of
child=          # a process we wait for
views_pid=

for_each_pair() {
    local pair a_side
    for ((pair = 0; pair < pairs; ++pair)); do
        for a_side in "${sides[@]}"; do
            "$@" "$a_side"
        done
    done
}

# A trap runs at once while bash waits for a background process, but only after a foreground one.
wait_for() {
    local status=0
    "$@" &
    child=$!
    wait "$child" || status=$?
    child=
    return "$status"
}

# ~ others took more than a quarter of the machine; ! something was lost, disordered or broken;
# ^ the rate was not kept
marks_of() {
    jq -r '(if .cpu.machine_others > 0.25 then "~" else "" end)
           + (if .ok then "" else "!" end)
           + (if .saturated then "^" else "" end)' <<<"$1"
}

# bench [MODE] ARGUMENTS...: one run against the ring that start_ring made; leaves $result and $marks.
# Repeated up to twice when something else took more than a quarter of the machine, or when it failed;
# the best of these counts.
bench() {
    local try pid rank arguments=() best_rank=9 best_result='' best_marks=''
    for ((try = 0; try < ${tries:-3}; ++try)); do
        if ! daemons_run; then
            complain "a daemon of $side is gone before: ${loader[0]##*/} $*"
            start_ring "$side"
        fi
        arguments=()
        for pid in "${pids[@]}"; do
            arguments+=(--pid "$pid")
        done
        [ -z "$hub_pid" ] || arguments+=(--beside "$hub_pid")
        wait_for timeout $((seconds * 2 + 90)) "${loader[@]}" "$@" "${daemons[@]}" \
            "${arguments[@]}" >"$work/result" 2>"$work/spbench.err" || true
        result=$(<"$work/result")
        if ! jq -e .cpu <<<"$result" >/dev/null 2>&1; then
            complain "$side: ${loader[0]##*/} $*: $(tail -n 1 "$work/spbench.err")"
            start_ring "$side"
            continue
        fi
        marks=$(marks_of "$result")
        case $marks in
            *!*)
                complain "$side: ${loader[0]##*/} $*: $(jq -c '.problems + .broken' <<<"$result")"
                rank=2
                ;;
            *~*) rank=1 ;;
            *) return 0 ;;
        esac
        if [ "$rank" -lt "$best_rank" ]; then
            best_rank=$rank best_result=$result best_marks=$marks
        fi
    done
    [ -n "$best_result" ] || die "${loader[0]##*/} $* failed again and again: $(tail -n 3 "$work/spbench.err")"
    result=$best_result marks=$best_marks
}

# keep CASE MEASURE JQ-PATH FORMAT: records one figure of the last run.
keep() {
    record "$1" "$2" "$side" \
        "$(jq -r "$3" <<<"$result" | awk -v format="$4" '{ printf format, $1 }')" "$marks"
}

keep_throughput() {
    keep "$1" "$2, messages/s" .ordered_per_s %.0f
    keep "$1" "$2, CPU us/message" .cpu.per_ordered_us %.2f
}

keep_latency() {
    keep "$1" "$2, p50 us" .latency.p50_us %.0f
    keep "$1" "$2, p99 us" .latency.p99_us %.0f
}

# window BYTES: messages a sender has under way. In larger rings fewer in all: stock drops a receiver
# for which a thousand messages wait.
window() {
    local all=3000
    [ "$ring" -le 3 ] || all=2000
    if [ "$1" -ge 30000 ]; then all=120; elif [ "$1" -ge 5000 ]; then all=600; fi
    echo $((all / ring))
}

# closed_loop BYTES STYLE [ARGUMENTS...]
closed_loop() {
    local bytes=$1 style=$2
    shift 2
    bench load -b "$bytes" -t "$seconds" --warmup 0.5 -w "$(window "$bytes")" --client "$style" "$@"
}

# open_loop BYTES RATE [ARGUMENTS...]
open_loop() {
    local bytes=$1 rate=$2
    shift 2
    bench load -b "$bytes" -t "$seconds" --warmup 0.5 --rate "$rate" --client stock "$@"
}

# ---- Views, with the time of day at which clients had them --------------------------------------

now_us() {
    echo "${EPOCHREALTIME/[.,]/}"
}

every_daemon() {
    seq -s ' ' 0 $((ring - 1))
}

# views_start: a client at each daemon, as soon as that lets it in.
views_start() {
    "$bin/spbench" views "${daemons[@]}" -t 86400 >"$work/views" 2>"$work/views.err" &
    views_pid=$!
    disown "$views_pid"
}

views_stop() {
    [ -n "$views_pid" ] || return 0
    kill "$views_pid" 2>/dev/null || true
    # Gone before its daemons are, or it would tell of their end.
    while kill -0 "$views_pid" 2>/dev/null; do
        sleep 0.01
    done
    views_pid=
}

# views_wait MEMBERS SINCE_US DAEMONS: waits (at most a minute) until the clients of all these
# daemons have had a view of MEMBERS after SINCE_US; prints when the last of them had it, in us.
views_wait() {
    local members=$1 since=$2 watched=$3 try at
    for ((try = 0; try < 1200; ++try)); do
        at=$(jq -rn --argjson members "$members" --argjson since "$since" --arg watched "$watched" '
            [inputs | select(.event == "view" and .members == $members and .at_us >= $since)]
            | group_by(.daemon) | map({key: (.[0].daemon | tostring), value: .[0].at_us})
            | from_entries as $first
            | ($watched | split(" ")) | map($first[.])
            | if any(. == null) then "" else max end' "$work/views" 2>/dev/null) || at=
        if [ -n "$at" ]; then
            echo "$at"
            return 0
        fi
        sleep 0.05
    done
    return 1
}

# ---- How busy the machine is, where spbench does not say it -------------------------------------

machine_ticks() {
    awk '/^cpu / { print $2 + $3 + $4 + $7 + $8 + $9, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' /proc/stat
}

# busy_mark TICKS: ~ when more than a quarter of the machine has been busy since machine_ticks said
# TICKS; for times in which our own programs do next to nothing.
busy_mark() {
    echo "$1 $(machine_ticks)" |
        awk '{ print ($4 > $2 && ($3 - $1) / ($4 - $2) > 0.25) ? "~" : "" }'
}
