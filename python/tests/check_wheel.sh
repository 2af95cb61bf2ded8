#!/usr/bin/env bash
# check_wheel.sh PYTHON
# The source distribution builds by itself, to a wheel that installs into a clean virtual environment
# and passes the quick start there. Offline: everything needed comes from the system.
set -euo pipefail
python=$1
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# This looks at packaging, not at speed: compile fast, and what was compiled before not again.
export CFLAGS="-O0 -g0" CCACHE_NOHASHDIR=1
if command -v ccache >/dev/null; then
    export CC="ccache gcc" LDSHARED="g++ -shared"
fi

# From a copy of what belongs to the module, since setuptools leaves its notes beside the sources.
mkdir "$place/source"
(cd "$here/../.." && tar -c python client protocol tls) | tar -x -C "$place/source"
(cd "$place/source/python" && "$python" -m build --no-isolation --sdist -o "$place" . >/dev/null)
"$python" -m pip wheel --quiet --no-build-isolation --no-deps --no-index -w "$place" "$place"/spread-*.tar.gz
ls "$place"/spread-*-cp39-abi3-*.whl >/dev/null
"$python" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --no-index "$place"/spread-*.whl

cd "$place"
PYTHONPATH=$here "$place/venv/bin/python" - <<'END'
import daemons
import spread

ring = daemons.Ring(1)
try:
    with spread.connect(ring.address(), "alice") as mbox:
        mbox.join("room")
        mbox.multicast(spread.AGREED_MESS, "room", "hello")
        assert mbox.receive(timeout=30).members == ("#alice#d1",)
        assert mbox.receive(timeout=30).message == b"hello"
finally:
    ring.close()
print("installed in", spread.__file__)
END
