#!/usr/bin/env bash
# check_install.sh CMAKE BUILD-DIRECTORY CC
# Installs the library somewhere and builds a program against it in the three ways programs do it: with
# pkg-config, with a CMake package, and with the static library as the only thing on the link line.
set -euo pipefail
cmake=$1 build=$2 cc=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for component in libspread libspread-dev; do
    "$cmake" --install "$build" --component $component --prefix "$work/prefix" >/dev/null
done
lib=$(dirname "$(find "$work/prefix" -name libspread.so)")

cat >"$work/program.c" <<'C'
#include <sp.h>
#include <stdio.h>
int main(void) {
    int major, minor, patch;
    return SP_version(&major, &minor, &patch) == 1 && major == 5 && E_init() == 0 ? 0 : 1;
}
C
for name in spread tspread-core spread-core; do
    [ "$(readlink "$lib/lib$name.so")" = "lib$name.so.3" ]
    [ "$(readlink "$lib/lib$name.so.3")" = "lib$name.so.3.0.0" ]
    "$cc" -I"$work/prefix/include" "$work/program.c" -o "$work/static" "$lib/lib$name.a" \
        "$lib/libspread-util.a" -ldl -lm -lrt
    "$work/static"
done
"$cc" -I"$work/prefix/include" "$work/program.c" -o "$work/old" -L"$lib" -ltspread
LD_LIBRARY_PATH=$lib "$work/old"

# The prefix is another one than that of the build.
flags=$(PKG_CONFIG_PATH="$lib/pkgconfig" pkg-config --define-variable=prefix="$work/prefix" \
    --cflags --libs spread)
# shellcheck disable=SC2086
"$cc" "$work/program.c" -o "$work/packaged" $flags
LD_LIBRARY_PATH=$lib "$work/packaged"

mkdir "$work/cmake"
cat >"$work/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(program LANGUAGES C)
find_package(Spread REQUIRED)
add_executable(program ../program.c)
target_link_libraries(program PRIVATE Spread::spread)
CMAKE
"$cmake" -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
"$cmake" --build "$work/cmake/build" >/dev/null
"$work/cmake/build/program"
echo "installed, linked and ran in all ways"
