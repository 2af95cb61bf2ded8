#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/driver/daemon_state.hpp"
#include "daemon/host/unique_fd.hpp"
#include "protocol/ids.hpp"

namespace spread::daemon {

using driver::DaemonState;

/// Text of a state file and back: two lines "name value".
[[nodiscard]] std::string format_state(const DaemonState& state);
[[nodiscard]] std::optional<DaemonState> parse_state(std::string_view text);

/// The file of one daemon in the state directory. Everything may fail without harm: the wall clock
/// alone suffices while it runs forward. Keeps the directory open, and so works after chroot(2).
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
    /// Replaces the file in one step, which outlasts a loss of power. On failure the reason is in
    /// problem(). May take as long as the disk does.
    bool store(const DaemonState& state);

    /// Lets `user` write the file after root has been given up: the directory becomes the user's if
    /// it was made by this object or is the default one. Returns 0 or errno.
    [[nodiscard]] int give_to(uid_t user, gid_t group);

    /// Where it stands, for files beside it; -1 without a directory. Stays this object's.
    [[nodiscard]] int directory() const { return directory_.get(); }

    /// Names directory and daemon on this host: "DEVICE-INODE-ID"; empty without a directory.
    [[nodiscard]] const std::string& identity() const { return identity_; }

  private:
    [[nodiscard]] bool use(const std::string& directory);

    std::string path_;
    std::string name_;
    std::string identity_;
    std::string problem_;
    UniqueFd directory_;
    bool own_directory_ = false;  // made by us, or the default one
};

}  // namespace spread::daemon
