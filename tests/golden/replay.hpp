#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tests/golden/scenario.hpp"
#include "tests/support/raw_connection.hpp"

namespace spread::golden {

/// The daemons a conversation is replayed against.
class Cluster {
  public:
    virtual ~Cluster() = default;
    /// A new client connection to the daemon of this name, "d1" or "d2".
    [[nodiscard]] virtual support::RawConnection connect(const std::string& daemon) = 0;
    virtual void cut_link() = 0;
    virtual void restore_link() = 0;
};

/// How the bytes of the clients are cut into pieces.
enum class Pieces : std::uint8_t {
    kWhole,           ///< as recorded
    kSingleRequests,  ///< the handshake as recorded, then one write per byte
    kSingleBytes      ///< one write per byte; a daemon must not care
};

/// Plays the clients' part of `scenario` and compares everything the daemons answer, line by line;
/// throws at the first difference, naming the line.
///
/// The order of the file is kept as far as it is causal: a client's piece is sent only after all
/// that was recorded before it, on any connection, has arrived.
void replay(const Scenario& scenario, Cluster& cluster, Pieces pieces = Pieces::kWhole,
            std::chrono::milliseconds patience = support::kPatience);

}  // namespace spread::golden
