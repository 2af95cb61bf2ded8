#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sealing/key_agreement.hpp"
#include "sealing/key_store.hpp"
#include "sealing/key_wire.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/script.hpp"

// The input is, first, the body of a ring message about keys: what is accepted encodes to what is
// read again. Then a program for three daemons: commands, writes that fail, rings that break, and
// bodies that a broken member says. Whatever happens, each daemon has one key in use, of those that
// exist, and forgets none that it has not been told to.

namespace {

using namespace spread::sealing;
using spread::fuzz::require;
using spread::fuzz::Script;
using spread::protocol::DaemonId;
using spread::protocol::MemberList;
using spread::protocol::Roster;

constexpr std::size_t kDaemons = 3;
constexpr std::size_t kStepsMax = 300;

Secret secret_of(std::uint8_t number) {
    Secret key;
    key.bytes()[0] = static_cast<std::byte>(number);
    return key;
}

struct File final : KeyStore::File {
    spread::protocol::Result<KeyRing, std::string> read() override { return text; }
    std::string write(const KeyRing& keys) override {
        if (is_full) {
            return "full\x01";
        }
        text = keys;
        return {};
    }
    KeyRing text{{RingKey::of(secret_of(0), KeyRole::kUse)}};
    bool is_full = false;
};

struct Daemon {
    explicit Daemon(std::uint32_t id)
        : agreement({Roster({{DaemonId{1}, "a"}, {DaemonId{2}, "b"}, {DaemonId{3}, "c"}}),
                     DaemonId{id}, file.text,
                     [this](KeyOrder order) { orders.push_back(std::move(order)); }}) {}
    File file;
    KeyStore store{file.text, file};
    std::deque<KeyOrder> orders;
    KeyAgreement agreement;
};

class World {
  public:
    explicit World(Script& script) : script_(script) {
        for (std::uint32_t i = 1; i <= kDaemons; ++i) {
            daemons_.push_back(std::make_unique<Daemon>(i));
        }
    }

    void step() {
        Daemon& daemon = *daemons_[script_.byte() % kDaemons];
        const KeyId id = key_id(secret_of(script_.byte() % 6));
        switch (script_.byte() % 9) {
            case 0:
                static_cast<void>(daemon.agreement.rotate(secret_of(script_.byte() % 6)));
                break;
            case 1: static_cast<void>(daemon.agreement.install(secret_of(script_.byte()))); break;
            case 2: static_cast<void>(daemon.agreement.use(id)); break;
            case 3: static_cast<void>(daemon.agreement.remove(id, members())); break;
            case 4: daemon.file.is_full = !daemon.file.is_full; break;
            case 5: form(); break;
            case 6: say(daemon); break;
            default: keep(daemon); break;
        }
        for (std::size_t i = 0; i < kDaemons; ++i) {
            pass_on(i);
            check(*daemons_[i]);
        }
    }

  private:
    MemberList members() {
        MemberList some;
        const std::uint8_t choice = script_.byte();
        for (std::uint32_t i = 0; i < kDaemons; ++i) {
            if ((choice >> i & 1U) != 0) {
                some.push_back(DaemonId{i + 1});
            }
        }
        return some;
    }
    void form() {
        ring_ = members();
        for (const DaemonId member : ring_) {
            daemons_[member.value - 1]->agreement.on_regular_configuration(ring_);
        }
    }
    /// What no daemon says, but one with the key could.
    void say(Daemon& daemon) {
        const auto body = script_.some(script_.byte() % 64);
        static_cast<void>(daemon.agreement.on_message(DaemonId{script_.byte() % 4U}, body));
    }
    static void keep(Daemon& daemon) {
        if (!daemon.orders.empty()) {
            const std::size_t before = daemon.store.keys().keys().size();
            const bool removes = daemon.orders.front().kind == KeyOrder::Kind::kRemove;
            daemon.store.carry_out(daemon.orders.front(), "");
            require(removes || daemon.store.keys().keys().size() >= before);
            daemon.orders.pop_front();
        }
        daemon.agreement.on_keys(daemon.store.state());
    }
    void pass_on(std::size_t from) {
        for (const auto& message : daemons_[from]->agreement.take_messages()) {
            require(decode_key_message(message.body).has_value());
            for (const DaemonId to : ring_) {
                require(daemons_[to.value - 1]->agreement.on_message(
                    DaemonId{static_cast<std::uint32_t>(from + 1)}, message.body));
            }
        }
    }
    static void check(const Daemon& daemon) {
        for (const KeyRing* keys : {&daemon.store.keys(), &daemon.file.text}) {
            const auto& list = keys->keys();
            require(list.size() <= KeyRing::kKeysMax);
            require(std::count_if(list.begin(), list.end(), [](const RingKey& key) {
                        return key.role == KeyRole::kUse;
                    }) == 1);
            require(keys->in_use().role == KeyRole::kUse);
        }
    }

    Script& script_;
    std::vector<std::unique_ptr<Daemon>> daemons_;
    MemberList ring_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    if (const auto message = decode_key_message(bytes)) {
        const auto again = decode_key_message(encode_key_message(*message));
        require(again && *again == *message);
    }
    Script script(bytes);
    World world(script);
    for (std::size_t i = 0; i < kStepsMax && !script.done(); ++i) {
        world.step();
    }
    return 0;
}
