#pragma once

#include <cstdint>
#include <string_view>

// Included in front of every source file of the copy of the core that has the planted bugs in it
// (tests/mutants/README.md); nothing else of the daemon knows that it exists.

namespace spread {

namespace mutants {

using BugHash = std::uint64_t;

/// Fnv-1a; planted() stands in loops that run for every packet.
[[nodiscard]] constexpr BugHash hash_of(std::string_view name) {
    BugHash hash = 0xcbf29ce484222325U;
    for (const char each : name) {
        hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3U;
    }
    return hash;
}

/// The name of a bug, as it stands in the code.
struct BugName {
    // NOLINTNEXTLINE(google-explicit-constructor): so that planted("...") reads well
    consteval BugName(const char* name) : hash(hash_of(name)) {}

    BugHash hash;
};

/// What is switched on, 0 for none; at most one bug in a process.
inline BugHash active = 0;

}  // namespace mutants

/// Is the bug switched on?
[[nodiscard]] inline bool planted(mutants::BugName bug) {
    return bug.hash == mutants::active;
}

}  // namespace spread
