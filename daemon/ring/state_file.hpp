#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace spread::daemon {

/// What a daemon remembers from one life to the next, so that neither an incarnation nor a ring
/// counter repeats even when the clock was set back.
struct DaemonState {
    std::uint64_t incarnation = 0;   ///< milliseconds since 1970 at the start, or more
    std::uint64_t ring_counter = 0;  ///< of the last ring this daemon helped to form

    friend bool operator==(const DaemonState&, const DaemonState&) = default;
};

/// Text of a state file and back: two lines "name value".
[[nodiscard]] std::string format_state(const DaemonState& state);
[[nodiscard]] std::optional<DaemonState> parse_state(std::string_view text);

/// The state of a new life: past the stored one and not behind the wall clock.
[[nodiscard]] DaemonState next_state(const std::optional<DaemonState>& stored,
                                     std::uint64_t wall_milliseconds);

/// The file of one daemon in the state directory. Everything may fail without harm: the wall clock
/// alone suffices while it runs forward.
class StateFile {
  public:
    /// `directory` as given by the user; empty: /var/lib/spreadd, else $XDG_STATE_HOME, else
    /// $HOME/.local/state, whichever is writable, else none.
    StateFile(const std::string& directory, protocol::DaemonId self);

    /// Empty when no directory is usable.
    [[nodiscard]] const std::string& path() const { return path_; }
    /// Why nothing can be stored; empty when it can.
    [[nodiscard]] const std::string& problem() const { return problem_; }

    [[nodiscard]] std::optional<DaemonState> load() const;
    /// Replaces the file in one step. On failure the reason, once, in problem().
    bool store(const DaemonState& state);

  private:
    std::string path_;
    std::string problem_;
};

}  // namespace spread::daemon
