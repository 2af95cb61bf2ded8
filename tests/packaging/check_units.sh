#!/usr/bin/env bash
# check_units.sh DIRECTORY: systemd takes the units as they are, and finds them hardened, and their filter lets
# through what a busy daemon asks for.
set -uo pipefail
directory=$1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
status=0

# members SET: the system calls of one of systemd's sets, and of the sets in it.
members() {
    local word
    systemd-analyze syscall-filter "$1" | sed -n 's/^ *\([@a-z][a-z0-9_@-]*\)$/\1/p' | sed 1d |
        while read -r word; do
            case $word in
                @*) members "$word" ;;
                *) echo "$word" ;;
            esac
        done
}

# allowed UNIT: what its filter lets through; each line adds to those before it, or with ~ takes away.
allowed() {
    local line word list
    : >"$place/allowed"
    sed -n 's/^SystemCallFilter=//p' "$1" | while read -r line; do
        list=$(for word in ${line#\~}; do
            case $word in
                @*) members "$word" ;;
                *) echo "$word" ;;
            esac
        done)
        case $line in
            \~*) grep -vxF "$list" "$place/allowed" >"$place/left" ; mv "$place/left" "$place/allowed" ;;
            *) echo "$list" >>"$place/allowed" ;;
        esac
    done
    cat "$place/allowed"
}

for unit in "$directory"/*.service; do
    copy=$place/$(basename "${unit/@/@ring}")
    # The program need not be installed.
    sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' "$unit" >"$copy"
    # Pages of the manual are looked for, which are not installed either.
    if ! said=$(systemd-analyze verify --man=no "$copy" 2>&1) || [ -n "$said" ]; then
        echo "check_units: systemd-analyze verify $unit: $said" >&2
        status=1
    fi
    if ! said=$(systemd-analyze security --no-pager --offline=yes --threshold=20 "$copy"); then
        echo "$said" >&2
        echo "check_units: $unit is exposed by more than 2.0" >&2
        status=1
    fi
    # What operators count on; the last three are for clients of Spread 5, which look for the socket in /tmp, and
    # for the list of the host's addresses.
    # shellcheck disable=SC2016  # systemd expands it
    for line in Type=notify WatchdogSec=10 Restart=on-failure 'RestartPreventExitStatus=2 3' User=spread \
        LimitNOFILE=65536 OOMScoreAdjust=-500 'ExecReload=/bin/kill -HUP $MAINPID' PrivateTmp=no \
        'ReadWritePaths=/tmp /run/spread' 'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK'; do
        grep -qxF -- "$line" "$unit" || { echo "check_units: $unit has no line $line" >&2; status=1; }
    done
    calls=$(allowed "$unit")
    for call in epoll_wait recvmmsg sendmmsg sched_setscheduler; do
        grep -qx "$call" <<<"$calls" || { echo "check_units: $unit does not let $call through" >&2; status=1; }
    done
    ! grep -qx chown <<<"$calls" || { echo "check_units: $unit lets chown through" >&2; status=1; }
    grep -qx SystemCallErrorNumber=EPERM "$unit" ||
        { echo "check_units: $unit ends a daemon that asks for another system call" >&2; status=1; }
done
# Further rings are served as the first one is, but for their names.
settings() {
    grep -vE '^(Description|EnvironmentFile|ExecStart|StateDirectory|# Two rings)' "$1"
}
difference=$(diff <(settings "$directory/spreadd.service") <(settings "$directory/spreadd@.service")) ||
    { echo "check_units: the units differ: $difference" >&2; status=1; }
exit "$status"
