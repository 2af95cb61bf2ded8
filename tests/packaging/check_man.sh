#!/usr/bin/env bash
# check_man.sh PAGES BIN: each page of the manual is in order, and says of each option what --help says:
# every flag of a program's help is in its page, and every flag of the page in the help. Variables that the
# daemon and spuser read are in theirs.
set -uo pipefail
pages=$1
bin=$2
status=0

problem() {
    echo "check_man: $*" >&2
    status=1
}

# flags: the options that a help text describes, one per line.
flags() {
    grep -oE '^ +(-[A-Za-z]|--[a-z][a-z-]*)(,--?[a-z][a-z-]*)*' | grep -oE -- '--?[A-Za-z][a-z-]*' | sort -u
}

# flags_of_page PAGE: the options that its lists describe.
flags_of_page() {
    grep -E '^\.It .*Fl ' "$1" | sed 's/^\.It //; s/Cm [^F]*//' |
        grep -oE 'Fl -?[A-Za-z][a-z-]*' | sed 's/^Fl /-/' | sort -u
}

# helps PROGRAM [COMMAND...]: its help, and those of its commands and of theirs.
helps() {
    local help command
    help=$("$bin/$1" "${@:2}" --help)
    printf '%s\n' "$help"
    sed -n '/^Subcommands:/,/^$/p' <<<"$help" | grep -oE '^  [a-z][a-z-]*' |
        while read -r command; do
            helps "$@" "$command"
        done
}

for page in "$pages"/*.[1578]; do
    if ! lint=$(mandoc -T lint -W warning "$page"); then
        problem "$lint"
    fi
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS SIGNALS FILES 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
        case $page:$section in
            *.7:SIGNALS | *.7:FILES | *.7:'EXIT STATUS' | *.[57]:SYNOPSIS | *.[57]:OPTIONS) continue ;;
        esac
        grep -qx ".Sh $section" "$page" || problem "$page has no section $section"
    done
done
for page in "$pages"/*.[18]; do
    program=$(basename "${page%.*}")
    difference=$(diff <(helps "$program" | flags) <(flags_of_page "$page")) ||
        problem "$page and $program --help differ (< only in the help, > only in the page):
$difference"
done
# variables DIRECTORY...: those of the environment that its sources read.
variables() {
    grep -rhoE '(getenv|number_in<[a-z_:0-9]+>)\("[A-Z_]+"' "$@" | grep -oE '[A-Z_]{2,}' | sort -u
}
sources=$(dirname "$(dirname "$pages")")
for page in "$pages/spreadd.8 daemon config command_line" "$pages/spuser.1 tools/spuser"; do
    read -ra page <<<"$page"
    found=$(cd "$sources" && variables "${page[@]:1}")
    [ -n "$found" ] || problem "no variable is read in ${page[*]:1}"
    for variable in $found; do
        sed -n '/^\.Sh ENVIRONMENT/,/^\.Sh FILES/p' "${page[0]}" | grep -qE "^\.(It )?Ev .*\b$variable\b" ||
            problem "${page[0]} does not say what $variable does"
    done
done
# Each command of spreadctl has an item.
"$bin/spreadctl" --help | sed -n '/^Subcommands:/,/^$/p' | grep -oE '^  [a-z][a-z-]*' |
    while read -r command; do
        grep -qE "^\.It Cm $command( |\$)" "$pages/spreadctl.8" ||
            { echo "check_man: spreadctl.8 does not describe $command" >&2; exit 1; }
    done || status=1
exit "$status"
