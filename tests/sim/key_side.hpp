#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/session/session_output.hpp"
#include "protocol/ids.hpp"
#include "protocol/rng.hpp"
#include "protocol/time.hpp"
#include "sealing/key_agreement.hpp"
#include "sealing/key_store.hpp"

namespace spread::sim {

/// The key file of a host, which outlives its daemons. A full disk takes nothing.
class KeyDisk final : public sealing::KeyStore::File {
  public:
    explicit KeyDisk(sealing::KeyRing first) : text_(std::move(first)) {}

    protocol::Result<sealing::KeyRing, std::string> read() override { return text_; }
    std::string write(const sealing::KeyRing& keys) override {
        if (is_full_) {
            return "the disk is full";
        }
        text_ = keys;
        return {};
    }
    void fill(bool is_full) { is_full_ = is_full; }

  private:
    sealing::KeyRing text_;
    bool is_full_ = false;
};

/// What KeysOnRing is in the daemon, for one life: the agreement, and a keeper that takes its time,
/// to write and then to say so.
class KeySide {
  public:
    /// `disk` must outlive this object. `wake` is called with a delay.
    KeySide(std::size_t daemons, protocol::DaemonId self, KeyDisk& disk, protocol::Rng rng,
            std::function<void(protocol::Duration)> wake);

    [[nodiscard]] sealing::KeyAgreement& agreement() { return agreement_; }

    /// From anywhere in this daemon.
    void order(sealing::KeyOrder order);
    /// In a turn of the session side: what is done by now is told. Null, or what the ring side is
    /// to seal with.
    [[nodiscard]] std::unique_ptr<sealing::KeyRing> work(protocol::Instant now,
                                                         session::SessionOutput& out);
    [[nodiscard]] bool is_quiet() const { return orders_.empty() && !tells_; }

  private:
    [[nodiscard]] protocol::Duration pause();

    protocol::Rng rng_;
    std::function<void(protocol::Duration)> wake_;
    sealing::KeyStore store_;
    sealing::KeyAgreement agreement_;
    std::deque<sealing::KeyOrder> orders_;
    bool tells_ = false;  ///< the first order is carried out, and nobody knows
    std::optional<protocol::Instant> due_;
};

}  // namespace spread::sim
