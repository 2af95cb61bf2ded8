#!/bin/sh
# Alert rules are what promtool (of the Debian package "prometheus") takes them for.
# Usage: check_alert_rules.sh DIRECTORY. 77: there is no promtool.
set -eu
command -v promtool >/dev/null || { echo "no promtool: not checked"; exit 77; }
cd "$1"
promtool check rules spread.rules.yml
promtool test rules spread.rules.test.yml
