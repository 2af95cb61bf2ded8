# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# What was measured, and the table of it. Sourced by tools/bench-ring, which sets `out`.

# record CASE MEASURE SIDE VALUE [MARKS]
record() {
    printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "${5:-}" >>"$out/runs.tsv"
    note "$1: $2: $3 $4 ${5:-}"
}

# complain TEXT: something that no figure shows.
complain() {
    printf '%s\n' "$*" >>"$out/problems.txt"
    note "PROBLEM $*"
}

# forget CASE: a case that is measured anew replaces what there was of it.
forget() {
    awk -F'\t' -v gone="$1" '$1 != gone' "$out/runs.tsv" >"$out/runs.new"
    mv "$out/runs.new" "$out/runs.tsv"
}

# median CASE MEASURE SIDE: of the runs so far that did not fail; nothing when there are none.
median() {
    awk -F'\t' -v c="$1" -v m="$2" -v s="$3" '$1 == c && $2 == m && $3 == s && $5 !~ /!/ { print $4 }' \
        "$out/runs.tsv" | sort -g |
        awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

write_tables() {
    awk -f "$top/tools/bench/table.awk" -v medians="$out/medians.tsv" \
        -v corosync="$(corosync_version)" -v other="$other" "$top/tools/bench/targets.tsv" "$out/runs.tsv" >"$out/table.md"
}
