#!/usr/bin/env bash
# check_installed.sh CMAKE BUILD-DIRECTORY CONSUMER-PROJECT COMPILER
# Installs the client library into a directory of its own and builds a program against it, by CMake
# and by pkg-config. The program is the first example of the guide; without a daemon it says so.
set -euo pipefail
cmake=$1 build=$2 consumer=$3 compiler=$4
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
example=$(cd "$consumer/../../../examples/cpp" && pwd)/hello.cpp

"$cmake" --install "$build" --component client --prefix "$place/usr" >/dev/null
"$cmake" -S "$consumer" -B "$place/build" -DCMAKE_PREFIX_PATH="$place/usr" -DEXAMPLE="$example" \
    -DVERSION="${version%.*}" -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
"$cmake" --build "$place/build" >/dev/null

# The file names the prefix of the configuration; ours is elsewhere.
pc=$(find "$place/usr" -name spread-client.pc)
flags=$(sed -n "s,\${prefix},$place/usr,g; s,\${includedir},$place/usr/include,g;
                s,\${libdir},$(dirname "$(dirname "$pc")"),g; s/^\(Cflags\|Libs\): //p" "$pc")
# shellcheck disable=SC2086  # several words each
"$compiler" -o "$place/by_pc" "$example" $flags

for program in "$place/build/consumer" "$place/by_pc"; do
    said=$("$program" "$place/no-daemon" 2>&1) && { echo "$program found a daemon" >&2; exit 1; }
    [[ $said == *"cannot connect"* ]] || { echo "$program said: $said" >&2; exit 1; }
done
