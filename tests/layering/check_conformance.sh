#!/usr/bin/env bash
# check_conformance.sh DOCUMENT INTEROP-TEST OTHER-TEST...
# Every test the tables of the document name exists in one of the executables, and every test of the
# first one is named. In the column "Test", `Suite.Name` names a test, `.Name` one of the suite named
# before it, `Suite` all of a suite; `*` and a final `...` stand for anything. `...` alone is the test
# named last, in this row or above, and words in small letters, `no_kind` or `only_...`, are its cases.
set -euo pipefail
document=$1
shift
status=0

complain() {
    printf '%s\n' "$*" >&2
    status=1
}

# list EXECUTABLE: its tests, one "Suite.Name" or "Suite.Name/case" per line.
list() {
    "$1" --gtest_list_tests | awk '
        /^[^ ]/ { suite = $1; sub(/^[^\/]*\//, "", suite) }  # without the name of the instance
        /^  /   { print suite $1 }'
}

tests=$(mktemp)
named=$(mktemp)
trap 'rm -f "$tests" "$named"' EXIT
list "$1" >"$tests"
needed=$(sed 's,/.*,,' "$tests" | sort -u)
shift
for other in "$@"; do
    list "$other" >>"$tests"
done
[ -n "$needed" ] || complain "no interop test found"

# find PATTERN: tests that match; remembered as named.
find_tests() {
    local pattern=${1//./\\.}
    pattern=${pattern//\*/[^\/]*}
    # A test with cases is listed once for each.
    grep -E "^$pattern(/.*)?\$" "$tests" | sed 's,/.*,,' >>"$named" ||
        complain "$document:$line: there is no test $1"
}

line=0
suite=
last=
while IFS= read -r text; do
    line=$((line + 1))
    [[ $text =~ ^\|[^|]*\|([^|]*)\| ]] || continue
    cell=${BASH_REMATCH[1]}
    while [[ $cell =~ ^[^\`]*\`([^\`]+)\`(.*)$ ]]; do
        word=${BASH_REMATCH[1]}
        cell=${BASH_REMATCH[2]}
        case $word in
            tests/* | ...) continue ;;
            .[A-Z]*) word=$suite$word ;;
            [A-Z]*) ;;
            [a-z]*)
                pattern=${word/%.../.*}
                grep -qE "^$last/$pattern\$" "$tests" ||
                    complain "$document:$line: $last has no case $word"
                continue
                ;;
            *)
                complain "$document:$line: what is \`$word\`?"
                continue
                ;;
        esac
        word=${word/%.../*}
        [[ $word == *.* ]] || word+='.*'
        suite=${word%%.*}
        last=$word
        find_tests "$word"
    done
done <"$document"

while IFS= read -r test; do
    complain "$document does not name the test $test"
done < <(comm -23 <(printf '%s\n' "$needed") <(sort -u "$named"))
exit "$status"
