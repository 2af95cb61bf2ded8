#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/roster.hpp"
#include "sealing/key_ring.hpp"
#include "sealing/key_store.hpp"
#include "sealing/key_wire.hpp"

namespace spread::sealing {

/// What is known of the keys of all daemons, and how far a rotation is.
struct KeyTable {
    enum class Rotation : std::uint8_t {
        kNone,
        kInstalling,  ///< all get the new key
        kUsing,       ///< all begin to seal with it
        kRemoving,    ///< the old ones go, once everybody is there
        kDone,
        kFailed
    };
    protocol::MemberList members;  ///< of the ring
    std::map<protocol::DaemonId, KeyReport> reports{};
    Rotation rotation = Rotation::kNone;
    KeyId rotates_to;
    std::string waits_for{};  ///< a sentence: what the rotation waits for, or why it failed
    std::size_t refusals = 0;
    std::string refusal{};  ///< of the last command that came to nothing in the order of the ring
};

[[nodiscard]] std::string_view to_string(KeyTable::Rotation rotation);

/// Changes of keys, agreed in the order of the ring: every member reports which keys it has, so
/// at any place of the order all know the same, and obey a command there, or do not.
///
///   install  each member writes the key to its file, and reports it
///   use      only where all members have it; each seals with it from there on
///   remove   only where all configured daemons are members and use another one, but those that
///            are dropped by name; each uses the one that it has reported, whatever it has been
///            handed since, so that all do what all know
///
/// Who has orders that its disk has not come to says that its file is behind: they may change what
/// it uses.
///
/// A rotation is the three in turn, and is steered by the daemon that was asked for it. When that
/// daemon ends, the rotation stays where it is: a later one goes on with what is left.
///
/// Pure: bodies of ring messages in and out, orders to whoever keeps the keys out. Used on one
/// thread.
class KeyAgreement {
  public:
    struct Setup {
        protocol::Roster roster;
        protocol::DaemonId self;
        KeyRing keys;  ///< not empty
        /// Does what is ordered, and says so by on_keys(), at once or later.
        std::function<void(KeyOrder)> keep;
    };
    explicit KeyAgreement(Setup setup);

    // From the ring, in its order

    void on_regular_configuration(const protocol::MemberList& members);
    /// False: it is malformed.
    bool on_message(protocol::DaemonId origin, std::span<const std::byte> body);

    // From this daemon

    /// Which keys it has now.
    void on_keys(KeyStore::State state);

    // From its operator. Empty: it is on its way; else why it is refused.

    [[nodiscard]] std::string install(const Secret& key);
    [[nodiscard]] std::string use(KeyId id);
    [[nodiscard]] std::string remove(KeyId id, const protocol::MemberList& dropped);
    [[nodiscard]] std::string rotate(const Secret& key);

    // To the ring

    struct Outgoing {
        bool is_safe = false;  ///< else agreed
        std::vector<std::byte> body;
    };
    /// In this order.
    [[nodiscard]] std::vector<Outgoing> take_messages();

    [[nodiscard]] const KeyTable& table() const { return table_; }
    [[nodiscard]] const KeyRing& keys() const { return keys_; }

  private:
    using DaemonId = protocol::DaemonId;

    void on(DaemonId origin, const KeyReport& report);
    void on(DaemonId origin, const KeyInstall& install);
    void on(DaemonId origin, const KeyUse& use);
    void on(DaemonId origin, const KeyRemove& remove);
    void refuse(DaemonId origin, std::string why);
    void order(KeyOrder order);
    void report();
    void send(const KeyMessage& message, bool is_safe);
    void send_install(const Secret& key);

    [[nodiscard]] bool is_member(DaemonId daemon) const;
    [[nodiscard]] const KeyReport* report_of(DaemonId daemon) const;
    [[nodiscard]] std::string why_silent(DaemonId daemon) const;
    [[nodiscard]] std::string why_no_ring() const;
    [[nodiscard]] std::string why_not_use(KeyId id) const;
    [[nodiscard]] std::string why_not_remove(KeyId id, const protocol::MemberList& dropped) const;

    [[nodiscard]] std::set<KeyId> retired() const;

    void go_on();
    void go_on_installing();
    void go_on_using();
    void go_on_removing();
    void end_rotation(std::string why);
    void wait_for(std::string what) { table_.waits_for = std::move(what); }

    const protocol::Roster roster_;
    const DaemonId self_;
    const std::function<void(KeyOrder)> keep_;
    KeyRing keys_;
    std::uint64_t ordered_ = 0;  ///< the number of the last order
    KeyReport own_;
    std::optional<KeyReport> sent_;  ///< in this configuration
    KeyTable table_;
    std::optional<Secret> rotates_to_;
    bool is_asked_ = false;      ///< for the next step of the rotation, in this configuration
    bool is_delivered_ = false;  ///< its installation, since it was asked for
    bool is_used_ = false;       ///< the key of the rotation has been put into use
    std::vector<Outgoing> messages_;
};

}  // namespace spread::sealing
