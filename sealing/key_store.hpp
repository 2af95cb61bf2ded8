#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/ids.hpp"
#include "protocol/result.hpp"
#include "sealing/key_ring.hpp"
#include "sealing/ring_seal.hpp"
#include "sealing/secret.hpp"

namespace spread::sealing {

/// What is to be done to the keys of a daemon.
struct KeyOrder {
    enum class Kind : std::uint8_t {
        kAdd,        ///< `secret` is kept, for later
        kUse,        ///< `id` is put into use
        kRemove,     ///< `id` goes
        kTakeOver,   ///< `secret` is in use already, handed over by `from`
        kUnderstand  ///< `secret` is kept: `from` handed it over, and somebody seals with it
    };
    Kind kind{};
    KeyId id;
    std::optional<Secret> secret{};
    protocol::DaemonId from;   ///< who wanted it so
    std::uint64_t number = 0;  ///< of those in the order of the ring; 0 for others
};

/// What follows for the file from a key that the sealing layer was handed; `keys` are those it has.
[[nodiscard]] std::optional<KeyOrder> order_of(const SealEvent& event, const KeyRing& keys);

/// A daemon's keys and their file, which the daemon and its administrator both write. A key is
/// never lost: what could not be written is tried again, and what somebody else writes is taken
/// over with it.
class KeyStore {
  public:
    /// What there is to tell about it.
    struct State {
        KeyRing keys;
        bool is_saved = true;           ///< the file says the same
        std::string problem{};          ///< as problem()
        std::uint64_t carried_out = 0;  ///< the number of the last order that has one
    };

    class File {
      public:
        virtual ~File() = default;
        /// On failure why, in one line.
        [[nodiscard]] virtual protocol::Result<KeyRing, std::string> read() = 0;
        /// All or nothing. Empty, or why not.
        [[nodiscard]] virtual std::string write(const KeyRing& keys) = 0;
    };

    /// `keys` are those that were read last; not empty. `file` outlives this object.
    KeyStore(KeyRing keys, File& file) : keys_(keys), written_(std::move(keys)), file_(file) {}

    /// `note` is for who reads the file. A key is added only when it is written; the other orders
    /// are obeyed at once, since others go by them already. problem() tells what could not be done.
    void carry_out(const KeyOrder& order, const std::string& note);

    [[nodiscard]] State state() const { return {keys_, is_saved(), problem_, carried_out_}; }

    /// Looks at the file, and tries again what could not be written.
    enum class Look : std::uint8_t { kSame, kChanged, kUnreadable };
    Look look();

    [[nodiscard]] const KeyRing& keys() const { return keys_; }
    /// The file says the same.
    [[nodiscard]] bool is_saved() const { return keys_ == written_; }
    /// Why the last order was not carried out, or why the file is behind. Empty: neither.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    /// Why the file could not be read, after kUnreadable.
    [[nodiscard]] const std::string& reading_problem() const { return reading_problem_; }

  private:
    [[nodiscard]] std::string do_it(const KeyOrder& order, const std::string& note);
    [[nodiscard]] std::string add(const Secret& secret, const std::string& note);
    [[nodiscard]] std::string save();
    void adopt(KeyRing found);

    static constexpr const char* kNoRoom =
        "there are 8 ring keys already; remove one first (spreadctl key remove)";

    KeyRing keys_;
    KeyRing written_;  ///< what the file says, as far as is known
    File& file_;
    std::uint64_t carried_out_ = 0;
    std::string problem_;
    std::string reading_problem_;
};

}  // namespace spread::sealing
