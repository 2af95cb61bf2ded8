#!/usr/bin/env bash
# check_headers.sh COMPILER < HEADERS
# Every header listed, a path from the top directory a line, compiles on its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export compiler=$1
# shellcheck disable=SC2016  # expanded by the inner shell
xargs -r -d '\n' -P "$(nproc)" -I{} bash -c '
    "$compiler" -std=c++20 -fsyntax-only -w -DBOOST_ASIO_DISABLE_CO_AWAIT \
        -DSPREAD_VERSION="\"0\"" -I. -Iclient/include -Iclient/c/include -include "$1" -x c++ /dev/null ||
        { echo "$1 does not compile on its own" >&2; exit 1; }' check {}
