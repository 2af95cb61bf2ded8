#!/usr/bin/env bash
# check_units.sh DIRECTORY: systemd takes the units as they are, and finds them hardened.
set -uo pipefail
directory=$1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
status=0
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
done
exit "$status"
