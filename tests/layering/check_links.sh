#!/usr/bin/env bash
# check_links.sh ROOT LINKS-FILE
# Each line of the file: a module and what it links. A module may link and include only what stands
# to its left, and the core no library of the system but those that encrypt, in `sealing`.
set -euo pipefail
root=$1
links=$2

order=(protocol ordering membership sealing driver config addresses access session)
declare -A directory=([config]=config [protocol]=protocol [ordering]=ordering
                      [membership]=membership [sealing]=sealing [driver]=daemon/driver
                      [addresses]=daemon/addresses [access]=daemon/access [session]=daemon/session)
status=0

complain() {
    printf '%s\n' "$*" >&2
    status=1
}

allowed_libraries=" spread_build "
allowed_directories=
seen=0
for module in "${order[@]}"; do
    linked=$(awk -v module="$module" '$1 == module { $1 = ""; print }' "$links")
    [ -n "$linked" ] || complain "nothing known about module $module"
    for library in $linked; do
        case $module:$library in
            sealing:OpenSSL::Crypto | sealing:*/libIPSec_MB.*) continue ;;
        esac
        case $allowed_libraries in
            *" $library "*) ;;
            *) complain "spread_$module links $library, which does not stand to its left" ;;
        esac
    done
    allowed_libraries+="spread_$module "
    allowed_directories+="${allowed_directories:+|}${directory[$module]}"

    # A header may be included from the module itself or from a directory to the left. Angle
    # brackets are for the standard library, tl::expected and the containers of Boost, which are
    # headers only.
    while IFS= read -r line; do
        seen=$((seen + 1))
        included=$(sed -E 's/.*#include "([^"]*)".*/\1/' <<<"$line")
        [[ $included =~ ^($allowed_directories)/ ]] ||
            complain "$line: not to the left of $module"
    done < <(cd "$root" && grep -rnE '^ *#include "' --include='*.[ch]pp' "${directory[$module]}")
    while IFS= read -r line; do
        complain "$line: the core uses the standard library, tl/expected.hpp and boost/container only"
    done < <(cd "$root" &&
        grep -rnE '^ *#include <' --include='*.[ch]pp' "${directory[$module]}" |
        grep -vE '^sealing/crypto_(openssl|ipsec_mb)\.cpp:.*<(openssl/.*|intel-ipsec-mb)\.h>' |
        grep -E '<(.*\.h|boost/.*|spdlog/.*|fmt/.*|CLI/.*|nlohmann/.*|thread|mutex|shared_mutex|condition_variable|future|random|filesystem|fstream|iostream)>' |
        grep -vE '<((immintrin|nmmintrin|x86intrin|arm_acle|cpuid)\.h|boost/container/.*)>')
done
[ "$seen" -gt 0 ] || complain "no include directive found under $root"
exit "$status"
