#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/connection.hpp"
#include "client/wakeup.hpp"
#include "spread/options.hpp"

namespace spread::client {

/// A connection, and with which of the servers.
struct Established {
    Connection connection;
    std::size_t server = 0;
};

/// The servers to try, from the options: the list, the default for an empty one, shuffled if so
/// wanted.
[[nodiscard]] std::vector<std::string> server_list(const Options& options);

/// Tries every server once, from number `first` on and around. The error tells of all attempts.
[[nodiscard]] Result<Established> connect_any(const Options& options,
                                              const std::vector<std::string>& servers,
                                              std::size_t first);

/// Looks for a new daemon by the rules of Options::reconnect, in a thread that lives until it has
/// found one or given up. The thread is on its own: whoever drops the Connector does not wait for
/// it, since name resolution cannot be interrupted; what it finds afterwards is closed.
class Connector {
  public:
    /// `lost` is the server whose connection ended; the one behind it is tried first. `done` is
    /// notified when poll() has something.
    Connector(const Options& options, std::vector<std::string> servers, std::size_t lost,
              std::shared_ptr<const Wakeup> done);
    Connector(Connector&&) = delete;
    ~Connector();

    /// Nothing while it still tries. An error means that it has given up.
    [[nodiscard]] std::optional<Result<Established>> poll();

  private:
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace spread::client
