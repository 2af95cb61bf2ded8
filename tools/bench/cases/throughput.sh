# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Throughput and CPU by message size, by number of daemons, and system calls. Sourced by
# tools/bench-ring.

throughput_sizes=(64 200 1350 8850 60000)

throughput_runs() {
    local style bytes
    start_ring "$1"
    for style in stock buffered; do
        for bytes in "${throughput_sizes[@]}"; do
            closed_loop "$bytes" "$style"
            keep_throughput throughput "$style client, $bytes B"
        done
    done
    stop_daemons
}

case_throughput() {
    network_up 3
    for_each_pair throughput_runs
}

ring_size_runs() {
    local style bytes
    start_ring "$1"
    for style in stock buffered; do
        for bytes in 200 1350; do
            closed_loop "$bytes" "$style"
            keep_throughput ring-size "$ring daemons, $style client, $bytes B"
        done
    done
    stop_daemons
}

case_ring-size() {
    local hosts
    for hosts in 5 8; do
        network_up "$hosts"
        for_each_pair ring_size_runs
    done
}

# Counting costs a little, so it has runs of its own.
syscalls_runs() {
    local style bytes
    start_ring "$1"
    for style in stock buffered; do
        for bytes in 64 1350; do
            count_syscalls "$bytes" "$style"
        done
    done
    stop_daemons
}

count_syscalls() {
    local measure="$2 client, $1 B, system calls/message and daemon"
    if [ "$syscall_counter" = tracepoint ]; then
        closed_loop "$1" "$2" --count-syscalls
        keep syscalls "$measure" ".cpu.syscalls_per_unit / $ring" %.3f
    elif [ "$syscall_counter" = strace ]; then
        strace_syscalls "$1" "$2"
        record syscalls "$measure (under strace)" "$side" "$strace_calls" "$marks"
    fi
}

# Under strace everything is many times slower, and slow daemons batch differently.
strace_syscalls() {
    local pid attach=()
    for pid in "${pids[@]}"; do
        attach+=(-p "$pid")
    done
    strace -c -f -qq -o "$work/strace" "${attach[@]}" &  # ends with the daemons, if not before
    local tracer=$! tries=1
    sleep 0.5
    closed_loop "$1" "$2" --beside "$tracer"
    kill -INT "$tracer"
    wait "$tracer" || true
    strace_calls=$(awk -v sent="$(jq .sent <<<"$result")" -v ring="$ring" \
        '$NF == "total" { printf "%.3f", $(NF - 2) / sent / ring }' "$work/strace")
}

# Which means this machine has.
choose_syscall_counter() {
    local why
    if why=$(timeout 20 "$bin/spbench" idle "${daemons[@]}" --pid "${pids[1]}" --count-syscalls \
        --warmup 0 -t 0.01 -q 2>&1 >/dev/null); then
        syscall_counter=tracepoint
    elif command -v strace >/dev/null; then
        syscall_counter=strace
        complain "$why: counted by strace instead, which slows the daemons down"
    else
        syscall_counter=none
        complain "$why, and strace is not installed: system calls are not counted"
    fi
}

case_syscalls() {
    network_up 3
    mount_tracefs
    start_ring ours
    choose_syscall_counter
    stop_daemons
    [ "$syscall_counter" = none ] || for_each_pair syscalls_runs
    unmount_tracefs
}

tracefs_is_ours=

mount_tracefs() {
    [ -e /sys/kernel/tracing/events ] && return
    if mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; then
        tracefs_is_ours=1
    fi
}

unmount_tracefs() {
    if [ -n "$tracefs_is_ours" ]; then
        umount /sys/kernel/tracing || true
        tracefs_is_ours=
    fi
}
