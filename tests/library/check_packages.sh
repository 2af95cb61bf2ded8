#!/usr/bin/env bash
# check_packages.sh CPACK BUILD-DIRECTORY CC CXX DAEMON
# Makes the Debian packages, unpacks all of them into one directory, and uses what is there: a C program
# and a C++ program are built and run, and Debian's Python talks to DAEMON.
set -euo pipefail
cpack=$1 build=$2 cc=$3 cxx=$4 daemon=$5
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cpack" --config "$build/CPackConfig.cmake" -G DEB -B "$work" \
    -D "CPACK_COMPONENTS_ALL=libspread;libspread-dev;client;python" >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; exit 1; }
version=$(sed -n 's/^set(CPACK_PACKAGE_VERSION "\(.*\)")/\1/p' "$build/CPackConfig.cmake")
for name in libspread3 libspread-dev libspread-client-dev python3-spread; do
    file=$(echo "$work/${name}_${version}_"*.deb)
    [ "$(dpkg-deb --field "$file" Package)" = "$name" ]
    dpkg-deb --extract "$file" "$work/root"
    [ -s "$work/root/usr/share/doc/$name/copyright" ]
done

# has PACKAGE PATTERN, lacks PACKAGE PATTERN: what is in it.
contents() { dpkg-deb --contents "$work/$1_${version}_"*.deb; }
has() { grep -q "$2" <<<"$(contents "$1")" || { echo "$1 has no $2" >&2; exit 1; }; }
lacks() { ! grep -q "$2" <<<"$(contents "$1")" || { echo "$1 has $2" >&2; exit 1; }; }
for name in spread tspread-core spread-core; do
    has libspread3 "/lib$name.so.3 -> lib$name.so.3.0.0"
    has libspread-dev "/lib$name.so -> lib$name.so.3"
    has libspread-dev "/lib$name.a"
done
lacks libspread3 '\.so$\|\.a$\|\.h$'
lacks libspread-dev '\.so\.3\.0\.0$'
has libspread-dev '/usr/include/fl.h'
has libspread-client-dev '/usr/include/spread/session.hpp'
lacks python3-spread '__pycache__\|tests'
dpkg-deb --field "$work"/libspread3_*.deb Depends | grep -q libc6
dpkg-deb --field "$work"/python3-spread_*.deb Depends | grep -q 'libc6.*python3\|python3.*libc6'

lib=$(dirname "$(find "$work/root/usr" -name libspread.so.3)")
cat >"$work/program.c" <<'C'
#include <fl.h>
#include <stdio.h>
int main(void) {
    int major, minor, patch;
    FL_version(&major, &minor, &patch);
    return SP_version(&major, &minor, &patch) == 1 && major == 5 && E_init() == 0 ? 0 : 1;
}
C
"$cc" -I"$work/root/usr/include" "$work/program.c" -o "$work/c" -L"$lib" -lspread
LD_LIBRARY_PATH=$lib "$work/c"
"$cxx" -std=c++20 -I"$work/root/usr/include" "$here/../../examples/cpp/hello.cpp" -o "$work/cpp" \
    -L"$lib" -lspread-client -lssl -lcrypto -pthread
said=$("$work/cpp" "$work/no-daemon" 2>&1) && { echo "the program found a daemon" >&2; exit 1; }
[[ $said == *"cannot connect"* ]]

site=$work/root/usr/lib/python3/dist-packages
cd "$work"
SPREAD_DAEMON=$daemon PYTHONPATH=$site:$here/../../python/tests PYTHONDONTWRITEBYTECODE=1 \
    VERSION=$version /usr/bin/python3 - <<'END'
import importlib.metadata
import os

import daemons
import spread
import spread.aio

assert spread.__file__.startswith(os.getcwd()), spread.__file__
assert spread.__version__ == os.environ["VERSION"] == importlib.metadata.version("spread")
ring = daemons.Ring(1)
try:
    with spread.connect(ring.address(), "alice") as mbox:
        mbox.join("room")
        mbox.multicast(spread.AGREED_MESS, "room", "hello")
        assert mbox.receive(timeout=30).members == ("#alice#d1",)
        assert mbox.receive(timeout=30).message == b"hello"
finally:
    ring.close()
END
echo "packed, unpacked, compiled, linked and ran"
