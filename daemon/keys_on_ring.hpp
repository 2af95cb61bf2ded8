#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "config/configuration.hpp"
#include "daemon/ring/key_keeper.hpp"
#include "sealing/key_agreement.hpp"
#include "sealing/ring_seal.hpp"

namespace spread::daemon {

class SessionServer;

/// The keys of a ring in the daemon: the agreement lives on the session thread, the file has a
/// thread of its own, and the ring's thread seals with what both come to.
class KeysOnRing {
  public:
    /// RingKeyFile is set, and `keys` were read from it.
    KeysOnRing(const config::Configuration& configuration, std::size_t self, sealing::KeyRing keys);
    KeysOnRing(const KeysOnRing&) = delete;
    KeysOnRing& operator=(const KeysOnRing&) = delete;

    /// For the session thread.
    [[nodiscard]] sealing::KeyAgreement& agreement() { return agreement_; }

    /// Between these two orders are carried out. `server` outlives stop().
    void start(SessionServer& server);
    void stop() { keeper_.reset(); }

    // From any thread, after start():

    void carry_out(sealing::KeyOrder order) { keeper_->carry_out(std::move(order)); }
    /// Reads the file again; the ring is sealed as `mode` says.
    void reload(sealing::Mode mode) { keeper_->reload(mode); }
    /// The file could be read when it was looked at last.
    [[nodiscard]] bool is_read() const { return keeper_ == nullptr || keeper_->is_read(); }

  private:
    const config::Configuration& configuration_;
    sealing::KeyAgreement agreement_;
    sealing::KeyRing keys_;  ///< for start()
    std::unique_ptr<KeyKeeper> keeper_;
};

}  // namespace spread::daemon
