#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "protocol/roster.hpp"
#include "sealing/key_ring.hpp"
#include "sealing/key_store.hpp"
#include "sealing/ring_seal.hpp"

namespace spread::daemon {

/// Keeps the ring's keys in their file, on a thread of its own, so that a disk that stands still
/// stops neither the ring nor its clients. It looks at the file every ten seconds, since that may
/// be changed by an administrator, or be a link that Kubernetes turns elsewhere.
class KeyKeeper {
  public:
    /// What there is now; with a mode, when the ring is to be sealed in another way. Called on the
    /// keeper's thread, never after the keeper has gone.
    using Changed = std::function<void(const sealing::KeyStore::State& state,
                                       std::optional<sealing::Mode> mode)>;
    struct Setup {
        std::string file;
        std::string user;  ///< who may own it, beside root and us; may be empty
        protocol::Roster roster;
        sealing::KeyRing keys;  ///< as read from it
        Changed changed;
    };
    /// Starts the thread, with all signals blocked and the privileges of the calling one.
    explicit KeyKeeper(Setup setup);
    /// What was ordered is still done, if the disk takes no more than a second for it.
    ~KeyKeeper();
    KeyKeeper(const KeyKeeper&) = delete;
    KeyKeeper& operator=(const KeyKeeper&) = delete;

    // From any thread; they do not wait for the disk.

    void carry_out(sealing::KeyOrder order);
    /// Reads the file now, and says so; the ring is sealed as `mode` says from then on.
    void reload(sealing::Mode mode);
    /// The file could be read when it was looked at last.
    [[nodiscard]] bool is_read() const;

  private:
    /// Shared with the thread, which a disk may keep longer than the daemon can wait.
    struct Shared;
    std::shared_ptr<Shared> shared_;
};

}  // namespace spread::daemon
