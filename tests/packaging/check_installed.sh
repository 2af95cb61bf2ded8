#!/usr/bin/env bash
# check_installed.sh CMAKE BUILD: an installed tree has what a distribution expects, and the daemon takes
# the configuration that comes with it.
set -euo pipefail
cmake=$1
build=$2
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for component in daemon tools; do
    "$cmake" --install "$build" --prefix "$place/usr" --component "$component" >"$place/log" 2>&1 ||
        { cat "$place/log" >&2; exit 1; }
done
status=0
expect() {
    [ -s "$place/usr/$1" ] || { echo "check_installed: $1 is missing or empty" >&2; status=1; }
}
for file in sbin/spreadd bin/spreadctl bin/spuser bin/spbench \
    lib/systemd/system/spreadd.service lib/systemd/system/spreadd@.service lib/sysusers.d/spreadd.conf \
    lib/tmpfiles.d/spreadd.conf lib/sysctl.d/60-spreadd.conf lib/firewalld/services/spread.xml \
    share/bash-completion/completions/spreadctl share/man/man8/spreadd.8.gz share/man/man8/spreadctl.8.gz \
    share/man/man5/spread.conf.5.gz share/man/man5/spread.access.5.gz share/man/man7/spread-metrics.7.gz \
    share/man/man1/spuser.1.gz share/man/man1/spbench.1.gz share/doc/spreadd/spread.conf.sample \
    share/doc/spreadd/prometheus/spread.rules.yml share/doc/spreadd/prometheus/spread.dashboard.json; do
    expect "$file"
done
# /etc where the prefix is /usr, else below it.
for file in spread/spread.conf default/spreadd logrotate.d/spreadd; do
    [ -n "$(find "$place" -path "*etc/$file" -size +0)" ] ||
        { echo "check_installed: etc/$file is missing or empty" >&2; status=1; }
done
bash -n "$place/usr/share/bash-completion/completions/spreadctl"
configuration=$(find "$place" -name spread.conf -path '*/spread/spread.conf')
"$place/usr/sbin/spreadd" --check --any-host -c "$configuration" >"$place/check" ||
    { cat "$place/check" >&2; status=1; }
exit "$status"
