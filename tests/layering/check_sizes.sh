#!/usr/bin/env bash
# [FILE_MAX=N] [CLASS_MAX=N] [FUNCTION_MAX=N] check_sizes.sh ROOT [FILE...]
# No production file has more than 600 lines, no class more than 40 functions, no function more than 70
# lines, unless a comment says why (check_sizes.awk).
set -euo pipefail
script=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check_sizes.awk
cd "$1"
shift
if [ $# -eq 0 ]; then
    mapfile -t sources < <(find config protocol ordering membership sealing tls daemon client command_line tools python \
        \( -name '*.cpp' -o -name '*.hpp' \) | sort)
    set -- "${sources[@]}"
fi
[ $# -gt 0 ] || { echo "no source found" >&2; exit 1; }
awk -v FILE_MAX="${FILE_MAX:-600}" -v CLASS_MAX="${CLASS_MAX:-40}" -v FUNCTION_MAX="${FUNCTION_MAX:-70}" -f "$script" "$@"
