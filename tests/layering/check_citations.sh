#!/usr/bin/env bash
# check_citations.sh ROOT
# The rules that comments cite, as in CP 5.3 or GS 1.4, are in docs/conformance.md. A chapter, as CP 5, is
# all of its rules.
set -euo pipefail
root=$1

# numbers FILE...: "CP 5.3", one per line.
numbers() {
    grep -hoE '\b(CP|GS) [0-9]+(\.[0-9]+)?((, | to | and )[0-9]+(\.[0-9]+)?)*' "$@" |
        awk '{ for (i = 2; i <= NF; ++i) if (sub(/,$/, "", $i) + 1 && $i ~ /^[0-9]+\.[0-9]+$/) print $1, $i }' |
        sort -u
}

mapfile -t sources < <(find "$root" -path "$root/build" -prune -o \
    \( -name '*.cpp' -o -name '*.hpp' -o -name '*.c' -o -name '*.h' \) -print)
unknown=$(comm -23 <(numbers "${sources[@]}") <(numbers "$root/docs/conformance.md"))
[ -z "$unknown" ] && exit 0
printf 'docs/conformance.md has no rule %s\n' "${unknown//$'\n'/, }" >&2
exit 1
