# shellcheck shell=bash
# Shared by tools/run and tools/test; sourced, not executed. Sets `top` to the repository root.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

note() {
    printf '== %s\n' "$*" >&2
}

# packages_of SECTION...: the packages of these sections of tools/deps.txt, one per line.
packages_of() {
    local section architecture
    architecture=$(dpkg --print-architecture 2>/dev/null) || architecture=
    for section in "$@"; do
        awk -v want="[$section]" -v architecture="$architecture" '
            /^[[:space:]]*(#|$)/ { next }
            /^\[/ { inside = ($1 == want); next }
            inside && ($2 == "" || $2 == architecture) { print $1 }' "$top/tools/deps.txt"
    done
}

# need SECTION...: makes sure the packages are there. Root gets them installed; anybody else is told
# the one command that installs them.
need() {
    local package missing=()
    if ! command -v dpkg-query >/dev/null; then
        note "this is not Debian; these Debian 12 packages must exist in some form:" \
             "$(packages_of "$@" | tr '\n' ' ')"
        return 0
    fi
    for package in $(packages_of "$@"); do
        if ! dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null |
            grep -qx installed; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        printf '%s: missing packages. Install them with:\n\n    sudo apt-get install %s\n\n' \
               "${0##*/}" "${missing[*]}" >&2
        exit 1
    fi
    note "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # Stale package lists are the usual reason for a failed install, so they are refreshed first;
    # without a network the install may still succeed from a cache.
    apt-get update -qq >&2 || note "apt-get update failed, trying with the lists at hand"
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
        die "apt-get could not install: ${missing[*]}"
}

# cxx_sources [PATTERN...]: C++ sources of the working tree, new ones included, ignored ones not.
cxx_sources() {
    local file
    [ $# -gt 0 ] || set -- '*.cpp' '*.hpp'
    git ls-files --cached --others --exclude-standard "$@" | while read -r file; do
        [ ! -e "$file" ] || printf '%s\n' "$file"
    done
}

# jobs_count: how many compilers to run at once.
jobs_count() {
    nproc 2>/dev/null || echo 2
}

# configure_and_build PRESET DIRECTORY [CMAKE_ARG...] -- [TARGET...]
# Quiet unless something fails; then the whole output is shown.
configure_and_build() {
    local preset=$1 directory=$2 args=() log
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        args+=("$1")
        shift
    done
    shift || true
    mkdir -p "$directory"
    log=$directory/configure.log
    if ! (cd "$top" && cmake --preset "$preset" -B "$directory" "${args[@]}") >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
    cmake --build "$directory" --parallel "$(jobs_count)" ${1:+--target "$@"}
}
