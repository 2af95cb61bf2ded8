#!/usr/bin/env bash
# check_headers.sh COMPILER ROOT
# Every header of the project compiles on its own. A header that is the first thing its own .cpp
# includes has proved that in the dev build, or in the tidy part, already; the others are compiled here.
set -euo pipefail
compiler=$1
cd "$2"

headers=()
while IFS= read -r header; do
    source=${header%.hpp}.cpp
    if [ -e "$source" ] &&
        [ "$(grep -m1 -E '^ *# *include' "$source")" = "#include \"$header\"" ]; then
        continue
    fi
    headers+=("$header")
done < <(find config protocol ordering membership daemon client command_line tools tests -name '*.hpp' | sort)
[ ${#headers[@]} -gt 0 ] || { echo "no header found under $2" >&2; exit 1; }

export compiler
# shellcheck disable=SC2016  # expanded by the inner shell
printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I{} bash -c '
    "$compiler" -std=c++20 -fsyntax-only -w -DBOOST_ASIO_DISABLE_CO_AWAIT \
        -DSPREAD_VERSION="\"0\"" -I. -Iclient/include -include "$1" -x c++ /dev/null ||
        { echo "$1 does not compile on its own" >&2; exit 1; }' check {}
