#!/usr/bin/env bash
# check_abi.sh NM READELF LIBRARY RECORD
# A shared library exports exactly the recorded symbols, under the recorded soname, and needs nothing
# but the C library. The sizes and offsets of its structures are what case 01_constants prints.
set -euo pipefail
nm=$1 readelf=$2 library=$3 record=$4
found=$(mktemp)
trap 'rm -f "$found"' EXIT
{
    "$readelf" -d "$library" | sed -nE 's/.*\(SONAME\).*\[(.*)\]/soname \1/p'
    # The loader is where thread-local storage of the C library comes from.
    "$readelf" -d "$library" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/needed \1/p' |
        grep -v '^needed ld-linux' | sort
    "$nm" -D --defined-only "$library" | awk '{ print $3 }' | LC_ALL=C sort
} >"$found"
diff -u "$record" "$found"
