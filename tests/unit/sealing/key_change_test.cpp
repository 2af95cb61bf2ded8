// Keys by the ring: the wire, the store, and the agreement of several daemons, one of which may be
// away, slow, or unable to write.

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sealing/key_agreement.hpp"
#include "sealing/key_store.hpp"
#include "sealing/key_wire.hpp"

namespace spread::sealing {
namespace {

using protocol::DaemonId;
using testing::HasSubstr;
using testing::IsEmpty;

Secret secret_of(int number) {
    Secret key;
    key.bytes()[0] = static_cast<std::byte>(number);
    return key;
}

KeyId id_of(int number) {
    return key_id(secret_of(number));
}

KeyRing ring_of(const std::vector<std::pair<int, KeyRole>>& keys) {
    std::vector<RingKey> list;
    for (const auto& [number, role] : keys) {
        list.push_back(RingKey::of(secret_of(number), role));
    }
    return KeyRing(std::move(list));
}

// The wire ------------------------------------------------------------------------------------

TEST(KeyWire, ReadsWhatItWrites) {
    KeyReport report{false, {{KeyId{7}, KeyRole::kUse}, {KeyId{9}, KeyRole::kOffer}}, "no room"};
    const std::vector<KeyMessage> messages = {
        report, KeyInstall{KeyId{1}, KeyId{2}, {std::byte{3}}}, KeyUse{KeyId{4}},
        KeyRemove{KeyId{5}, {DaemonId{1}, DaemonId{2}}}};
    for (const KeyMessage& message : messages) {
        auto body = encode_key_message(message);
        const auto read = decode_key_message(body);
        ASSERT_TRUE(read);
        EXPECT_EQ(*read, message);
        body.push_back(std::byte{1});
        EXPECT_EQ(decode_key_message(body), read) << "what follows is for later versions";
        for (std::size_t length = 0; length + 1 < body.size(); ++length) {
            EXPECT_FALSE(decode_key_message(std::span(body).first(length))) << length;
        }
    }
}

TEST(KeyWire, LongTextsAreCutAndOddOnesMended) {
    KeyReport report;
    report.problem = std::string(1000, 'x') + "\n";
    report.problem[1] = '\n';
    const auto read = decode_key_message(encode_key_message(report));
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<KeyReport>(*read).problem, "x?" + std::string(253, 'x'));
}

TEST(KeyWire, RefusesWhatNobodyWrites) {
    auto body = encode_key_message(KeyReport{true, {{KeyId{7}, KeyRole::kUse}}, "a"});
    const auto refused = [&](std::size_t at, int value) {
        auto changed = body;
        changed.at(at) = static_cast<std::byte>(value);
        return !decode_key_message(changed);
    };
    EXPECT_TRUE(refused(0, 2)) << "version";
    EXPECT_TRUE(refused(1, 9)) << "kind";
    EXPECT_TRUE(refused(3, 9)) << "too many keys";
    EXPECT_TRUE(refused(8, 3)) << "role";
    EXPECT_TRUE(refused(10, 0x1b)) << "not printable";
    auto remove = encode_key_message(KeyRemove{KeyId{1}, {DaemonId{1}}});
    remove[6] = std::byte{129};
    remove.resize(1000);
    EXPECT_FALSE(decode_key_message(remove)) << "more daemons than there can be";
}

// Rings of keys -------------------------------------------------------------------------------

TEST(KeyRing, AKeyIsAddedUsedAndRemoved) {
    KeyRing keys = ring_of({{1, KeyRole::kUse}});
    EXPECT_TRUE(keys.add(secret_of(2), ""));
    EXPECT_FALSE(keys.add(secret_of(2), "")) << "twice";
    EXPECT_FALSE(keys.remove(id_of(1))) << "in use";
    EXPECT_FALSE(keys.use(id_of(3))) << "unknown";
    EXPECT_TRUE(keys.use(id_of(2)));
    EXPECT_EQ(keys, ring_of({{1, KeyRole::kOffer}, {2, KeyRole::kUse}}));
    EXPECT_EQ(keys.in_use().id, id_of(2));
    EXPECT_TRUE(keys.remove(id_of(1)));
    EXPECT_FALSE(keys.remove(id_of(1)));
    EXPECT_EQ(keys, ring_of({{2, KeyRole::kUse}}));
    EXPECT_EQ(keys.in_use().id, id_of(2));
}

TEST(KeyRing, NoMoreThanEight) {
    KeyRing keys = ring_of({{1, KeyRole::kUse}});
    for (int i = 2; i <= 8; ++i) {
        EXPECT_TRUE(keys.add(secret_of(i), ""));
    }
    EXPECT_FALSE(keys.add(secret_of(9), ""));
}

// The store -----------------------------------------------------------------------------------

struct FakeFile final : KeyStore::File {
    explicit FakeFile(KeyRing first) : text(std::move(first)) {}
    protocol::Result<KeyRing, std::string> read() override {
        if (!readable) {
            return tl::unexpected(std::string("cannot be read"));
        }
        return text;
    }
    std::string write(const KeyRing& keys) override {
        if (!writable) {
            return "the disk is full";
        }
        text = keys;
        return {};
    }
    KeyRing text;
    bool readable = true;
    bool writable = true;
};

KeyOrder order_of(KeyOrder::Kind kind, int number) {
    return {kind, id_of(number), secret_of(number), DaemonId{2}};
}

class KeyStoreTest : public testing::Test {
  protected:
    FakeFile file_{ring_of({{1, KeyRole::kUse}})};
    KeyStore store_{file_.text, file_};
};

TEST_F(KeyStoreTest, WritesWhatItIsTold) {
    store_.carry_out(order_of(KeyOrder::Kind::kAdd, 2), "");
    EXPECT_EQ(file_.text, ring_of({{1, KeyRole::kUse}, {2, KeyRole::kKeep}}));
    store_.carry_out(order_of(KeyOrder::Kind::kUse, 2), "");
    EXPECT_EQ(file_.text, ring_of({{1, KeyRole::kOffer}, {2, KeyRole::kUse}}));
    store_.carry_out(order_of(KeyOrder::Kind::kRemove, 1), "");
    EXPECT_EQ(file_.text, ring_of({{2, KeyRole::kUse}}));
    store_.carry_out(order_of(KeyOrder::Kind::kTakeOver, 3), "");
    EXPECT_EQ(file_.text, ring_of({{3, KeyRole::kUse}, {2, KeyRole::kOffer}}));
    EXPECT_EQ(store_.keys(), file_.text);
    EXPECT_THAT(store_.problem(), IsEmpty());
}

TEST_F(KeyStoreTest, AKeyThatCannotBeWrittenIsNotThere) {
    file_.writable = false;
    store_.carry_out(order_of(KeyOrder::Kind::kAdd, 2), "");
    EXPECT_EQ(store_.keys(), ring_of({{1, KeyRole::kUse}}));
    EXPECT_THAT(store_.problem(), HasSubstr("disk is full"));
}

TEST_F(KeyStoreTest, WhatAllDoIsDoneEvenIfItCannotBeWrittenAndWrittenLater) {
    store_.carry_out(order_of(KeyOrder::Kind::kAdd, 2), "");
    file_.writable = false;
    store_.carry_out(order_of(KeyOrder::Kind::kUse, 2), "");
    EXPECT_EQ(store_.keys().in_use().id, id_of(2));
    EXPECT_FALSE(store_.is_saved());
    EXPECT_THAT(store_.problem(), HasSubstr("disk is full"));
    file_.writable = true;
    EXPECT_EQ(store_.look(), KeyStore::Look::kSame);
    EXPECT_EQ(file_.text.in_use().id, id_of(2));
    EXPECT_TRUE(store_.is_saved());
    EXPECT_THAT(store_.problem(), IsEmpty());
}

/// Whoever handed it over seals with it, and would not be understood for as long as the disk is
/// full.
TEST_F(KeyStoreTest, AKeyThatAnotherDaemonSealsWithIsKeptThoughItCannotBeWritten) {
    const KeyRing both = ring_of({{1, KeyRole::kUse}, {2, KeyRole::kKeep}});
    const auto order = order_of({SealEvent::Kind::kKeyKept, DaemonId{2}, id_of(2)}, both);
    ASSERT_TRUE(order);
    file_.writable = false;
    store_.carry_out(*order, "");
    EXPECT_EQ(store_.keys(), both);
    EXPECT_FALSE(store_.is_saved());
    EXPECT_THAT(store_.problem(), HasSubstr("disk is full"));
    EXPECT_EQ(store_.look(), KeyStore::Look::kSame);
    EXPECT_EQ(store_.keys(), both) << "after the first try of many";
    file_.writable = true;
    EXPECT_EQ(store_.look(), KeyStore::Look::kSame);
    EXPECT_EQ(file_.text, both);
    EXPECT_THAT(store_.problem(), IsEmpty());
}

TEST_F(KeyStoreTest, AKeyThatAnotherDaemonSealsWithIsKeptThoughTheFileCannotBeRead) {
    const KeyRing both = ring_of({{1, KeyRole::kUse}, {2, KeyRole::kKeep}});
    file_.readable = false;
    store_.carry_out(order_of(KeyOrder::Kind::kUnderstand, 2), "");
    EXPECT_EQ(store_.keys(), both);
    EXPECT_THAT(store_.problem(), HasSubstr("cannot be read"));
    file_.readable = true;
    EXPECT_EQ(store_.look(), KeyStore::Look::kSame);
    EXPECT_EQ(file_.text, both);
}

TEST_F(KeyStoreTest, ThereIsNoNinthKey) {
    for (int i = 2; i <= 8; ++i) {
        store_.carry_out(order_of(KeyOrder::Kind::kUnderstand, i), "");
    }
    EXPECT_THAT(store_.problem(), IsEmpty());
    store_.carry_out(order_of(KeyOrder::Kind::kUnderstand, 9), "");
    EXPECT_THAT(store_.problem(), HasSubstr("8 ring keys"));
    EXPECT_EQ(store_.keys().keys().size(), 8U);
    EXPECT_EQ(store_.keys(), file_.text);
}

TEST_F(KeyStoreTest, AnOrderThatChangesNothingDoesNotHideThatTheFileIsBehind) {
    file_.writable = false;
    store_.carry_out(order_of(KeyOrder::Kind::kTakeOver, 2), "");
    store_.carry_out(order_of(KeyOrder::Kind::kUse, 2), "");
    EXPECT_THAT(store_.problem(), HasSubstr("disk is full"));
    store_.carry_out(order_of(KeyOrder::Kind::kRemove, 3), "");
    EXPECT_THAT(store_.problem(), HasSubstr("disk is full"));
}

TEST_F(KeyStoreTest, TakesWhatAnAdministratorWritesAndKeepsWhatIsNotWrittenYet) {
    file_.writable = false;
    store_.carry_out(order_of(KeyOrder::Kind::kTakeOver, 2), "");
    EXPECT_EQ(store_.keys().in_use().id, id_of(2));
    file_.writable = true;
    file_.text = ring_of({{3, KeyRole::kUse}, {1, KeyRole::kKeep}});
    EXPECT_EQ(store_.look(), KeyStore::Look::kChanged);
    EXPECT_EQ(store_.keys(),
              ring_of({{3, KeyRole::kUse}, {1, KeyRole::kKeep}, {2, KeyRole::kKeep}}));
    EXPECT_EQ(file_.text, store_.keys());
}

TEST_F(KeyStoreTest, AnOrderDoesNotUndoWhatWasWrittenSince) {
    file_.text = ring_of({{1, KeyRole::kUse}, {5, KeyRole::kKeep}});
    store_.carry_out(order_of(KeyOrder::Kind::kAdd, 2), "");
    EXPECT_EQ(file_.text, ring_of({{1, KeyRole::kUse}, {5, KeyRole::kKeep}, {2, KeyRole::kKeep}}));
}

TEST_F(KeyStoreTest, AFileThatCannotBeReadChangesNothing) {
    file_.readable = false;
    EXPECT_EQ(store_.look(), KeyStore::Look::kUnreadable);
    EXPECT_EQ(store_.keys(), ring_of({{1, KeyRole::kUse}}));
    EXPECT_THAT(store_.reading_problem(), HasSubstr("cannot be read"));
    store_.carry_out(order_of(KeyOrder::Kind::kAdd, 2), "");
    store_.carry_out(order_of(KeyOrder::Kind::kTakeOver, 3), "");
    EXPECT_THAT(store_.problem(), HasSubstr("cannot be read"));
    EXPECT_EQ(file_.text, ring_of({{1, KeyRole::kUse}})) << "written over";
    EXPECT_EQ(store_.keys(), ring_of({{3, KeyRole::kUse}, {1, KeyRole::kOffer}}));
}

TEST_F(KeyStoreTest, WhatIsGivenUpIsNotTakenOverAgain) {
    store_.carry_out(order_of(KeyOrder::Kind::kAdd, 2), "");
    store_.carry_out(order_of(KeyOrder::Kind::kUse, 2), "");
    store_.carry_out(order_of(KeyOrder::Kind::kTakeOver, 1), "");
    EXPECT_EQ(store_.keys().in_use().id, id_of(2));
}

// The agreement -------------------------------------------------------------------------------

/// Daemons on one ring, or on several; messages reach all members of the sender's in one order.
class KeyAgreementTest : public testing::Test {
  protected:
    struct Daemon {
        explicit Daemon(const KeyRing& keys) : file(keys), store(keys, file) {}
        FakeFile file;
        KeyStore store;
        std::unique_ptr<KeyAgreement> agreement;
        std::deque<KeyOrder> orders;
        bool is_slow = false;
    };

    KeyAgreementTest() {
        for (std::size_t i = 0; i < 3; ++i) {
            daemons_.push_back(std::make_unique<Daemon>(ring_of({{1, KeyRole::kUse}})));
            start(i);
        }
    }

    void start(std::size_t place) {
        Daemon& daemon = *daemons_[place];
        KeyAgreement::Setup setup{
            protocol::Roster({{DaemonId{1}, "d1"}, {DaemonId{2}, "d2"}, {DaemonId{3}, "d3"}}),
            DaemonId{static_cast<std::uint32_t>(place + 1)}, daemon.store.keys(),
            [&daemon](KeyOrder order) { daemon.orders.push_back(std::move(order)); }};
        daemon.agreement = std::make_unique<KeyAgreement>(std::move(setup));
    }
    KeyAgreement& at(std::size_t place) { return *daemons_[place]->agreement; }

    void form(const std::vector<std::size_t>& places) {
        ring_ = places;
        protocol::MemberList members;
        for (const std::size_t place : places) {
            members.push_back(DaemonId{static_cast<std::uint32_t>(place + 1)});
        }
        for (const std::size_t place : places) {
            at(place).on_regular_configuration(members);
        }
        run();
    }
    void keep(std::size_t place) {
        Daemon& daemon = *daemons_[place];
        while (!daemon.orders.empty()) {
            daemon.store.carry_out(daemon.orders.front(), "");
            daemon.orders.pop_front();
            tell(place);
        }
    }
    void tell(std::size_t place) {
        const KeyStore& store = daemons_[place]->store;
        at(place).on_keys(store.state());
    }
    /// Until nothing moves.
    void run() {
        for (bool moved = true; moved;) {
            moved = false;
            for (const std::size_t from : ring_) {
                for (const auto& message : at(from).take_messages()) {
                    moved = true;
                    for (const std::size_t to : ring_) {
                        EXPECT_TRUE(at(to).on_message(
                            DaemonId{static_cast<std::uint32_t>(from + 1)}, message.body));
                    }
                }
            }
            for (const std::size_t place : ring_) {
                if (!daemons_[place]->is_slow && !daemons_[place]->orders.empty()) {
                    moved = true;
                    keep(place);
                }
            }
        }
    }
    void expect_keys(const KeyRing& keys) {
        for (const std::size_t place : ring_) {
            EXPECT_EQ(daemons_[place]->store.keys(), keys) << "d" << place + 1;
            EXPECT_EQ(daemons_[place]->file.text, keys) << "d" << place + 1;
        }
    }

    std::vector<std::unique_ptr<Daemon>> daemons_;
    std::vector<std::size_t> ring_;
};

using Rotation = KeyTable::Rotation;

TEST_F(KeyAgreementTest, ARotationChangesAllKeys) {
    form({0, 1, 2});
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    run();
    expect_keys(ring_of({{2, KeyRole::kUse}}));
    EXPECT_EQ(at(0).table().rotation, Rotation::kDone);
    EXPECT_EQ(at(2).rotate(secret_of(3)), "");
    run();
    expect_keys(ring_of({{3, KeyRole::kUse}}));
}

TEST_F(KeyAgreementTest, NobodyUsesAKeyBeforeAllHaveIt) {
    form({0, 1, 2});
    daemons_[1]->is_slow = true;
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    run();
    EXPECT_EQ(daemons_[0]->store.keys().in_use().id, id_of(1));
    EXPECT_THAT(at(0).table().waits_for, HasSubstr("d2"));
    EXPECT_THAT(at(2).use(id_of(2)), HasSubstr("d2 does not have ring key " + to_string(id_of(2)) +
                                               " (" + to_string(id_of(1)) + " in use)"));
    daemons_[1]->is_slow = false;
    run();
    expect_keys(ring_of({{2, KeyRole::kUse}}));
}

/// They may bring the key that is to go back into use.
TEST_F(KeyAgreementTest, NoKeyGoesWhileADiskHasOrdersLeft) {
    form({0, 1, 2});
    EXPECT_EQ(at(0).install(secret_of(2)), "");
    run();
    EXPECT_EQ(at(0).use(id_of(2)), "");
    run();
    daemons_[2]->is_slow = true;
    EXPECT_EQ(at(0).use(id_of(1)), "");
    EXPECT_EQ(at(0).use(id_of(2)), "");
    run();
    ASSERT_FALSE(daemons_[2]->orders.empty());
    EXPECT_EQ(at(0).remove(id_of(1), {}), "d3 has not written its key file yet");
    daemons_[2]->is_slow = false;
    run();
    EXPECT_EQ(at(0).remove(id_of(1), {}), "");
    run();
    expect_keys(ring_of({{2, KeyRole::kUse}}));
}

TEST_F(KeyAgreementTest, AKeyGoesThoughItsUseWasHandedOverSinceTheReport) {
    form({0, 1, 2});
    EXPECT_EQ(at(0).install(secret_of(2)), "");
    run();
    daemons_[2]->store.carry_out(order_of(KeyOrder::Kind::kTakeOver, 2), "");
    EXPECT_EQ(at(0).remove(id_of(2), {}), "");
    run();
    expect_keys(ring_of({{1, KeyRole::kUse}}));
}

TEST_F(KeyAgreementTest, AUseThatComesTooEarlyInTheOrderComesToNothing) {
    form({0, 1, 2});
    EXPECT_EQ(at(0).install(secret_of(2)), "");
    run();
    // Before this is known everywhere d2 loses the key again.
    EXPECT_EQ(at(0).use(id_of(2)), "");
    daemons_[1]->file.text = ring_of({{1, KeyRole::kUse}});
    EXPECT_EQ(daemons_[1]->store.look(), KeyStore::Look::kChanged);
    tell(1);
    const auto lost = at(1).take_messages();
    ASSERT_EQ(lost.size(), 1U);
    for (const std::size_t to : ring_) {
        EXPECT_TRUE(at(to).on_message(DaemonId{2}, lost[0].body));
    }
    run();
    EXPECT_EQ(daemons_[0]->store.keys().in_use().id, id_of(1));
    EXPECT_EQ(daemons_[2]->store.keys().in_use().id, id_of(1));
    EXPECT_EQ(at(0).table().refusals, 1U);
    EXPECT_THAT(at(0).table().refusal, HasSubstr("d2 does not have ring key"));
}

TEST_F(KeyAgreementTest, ADaemonThatCannotWriteEndsARotationThatNobodyElseNotices) {
    form({0, 1, 2});
    daemons_[2]->file.writable = false;
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    run();
    EXPECT_EQ(at(0).table().rotation, Rotation::kFailed);
    EXPECT_EQ(at(0).table().waits_for, "d3: the disk is full");
    for (const auto& daemon : daemons_) {
        EXPECT_EQ(daemon->store.keys().in_use().id, id_of(1));
    }
    expect_keys(ring_of({{1, KeyRole::kUse}}));
}

TEST_F(KeyAgreementTest, TheOldKeyStaysUntilEverybodyIsThere) {
    form({0, 1});
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    run();
    expect_keys(ring_of({{1, KeyRole::kOffer}, {2, KeyRole::kUse}}));
    EXPECT_EQ(at(0).table().rotation, Rotation::kRemoving);
    EXPECT_THAT(at(0).table().waits_for, HasSubstr("d3 is away"));
    EXPECT_THAT(at(1).remove(id_of(1), {}), HasSubstr("--drop d3"));
    // A second one does not wait for the first.
    EXPECT_EQ(at(0).rotate(secret_of(3)), "");
    run();
    EXPECT_EQ(daemons_[1]->store.keys().in_use().id, id_of(3));
    // d3 is back, and is given the key by a hello.
    daemons_[2]->store.carry_out(order_of(KeyOrder::Kind::kTakeOver, 3), "");
    start(2);
    form({0, 1, 2});
    expect_keys(ring_of({{3, KeyRole::kUse}}));
    EXPECT_EQ(at(0).table().rotation, Rotation::kDone);
}

/// It is what both sides could tell each other further keys under, should they part again before
/// there is one for all.
TEST_F(KeyAgreementTest, TheOldKeyStaysWhileTwoAreInUse) {
    form({0});
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    run();
    form({1, 2});
    EXPECT_EQ(at(1).rotate(secret_of(3)), "");
    run();
    // They meet, and are told of each other's by hellos.
    daemons_[0]->store.carry_out(order_of(KeyOrder::Kind::kAdd, 3), "");
    for (const std::size_t place : {1U, 2U}) {
        daemons_[place]->store.carry_out(order_of(KeyOrder::Kind::kAdd, 2), "");
    }
    for (const std::size_t place : {0U, 1U, 2U}) {
        tell(place);
    }
    form({0, 1, 2});
    for (const auto& daemon : daemons_) {
        const RingKey* const old = daemon->store.keys().find(id_of(1));
        ASSERT_NE(old, nullptr);
        EXPECT_EQ(old->role, KeyRole::kOffer);
    }
    EXPECT_EQ(at(0).table().rotation, Rotation::kRemoving);
    EXPECT_THAT(at(0).table().waits_for, HasSubstr("spreadctl key rotate brings all to one"));
    EXPECT_THAT(at(2).remove(id_of(1), {}), HasSubstr("d1 seals with ring key"));
    EXPECT_EQ(at(2).rotate(secret_of(4)), "");
    run();
    expect_keys(ring_of({{4, KeyRole::kUse}}));
    EXPECT_EQ(at(0).table().rotation, Rotation::kDone);
}

TEST_F(KeyAgreementTest, WhoIsDroppedKeepsTheOldKey) {
    form({0, 1});
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    run();
    EXPECT_EQ(at(1).remove(id_of(1), {DaemonId{3}}), "");
    run();
    expect_keys(ring_of({{2, KeyRole::kUse}}));
    EXPECT_EQ(at(0).table().rotation, Rotation::kDone);
    EXPECT_EQ(daemons_[2]->store.keys(), ring_of({{1, KeyRole::kUse}}));
}

TEST_F(KeyAgreementTest, TheKeyInUseIsNotRemoved) {
    form({0, 1, 2});
    EXPECT_THAT(at(0).remove(id_of(1), {}), HasSubstr("d1 seals with ring key"));
}

TEST_F(KeyAgreementTest, WhoComesInTheMiddleGetsTheKey) {
    form({0, 1});
    daemons_[1]->is_slow = true;
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    run();
    form({0, 1, 2});
    EXPECT_EQ(daemons_[2]->store.keys().in_use().id, id_of(1));
    daemons_[1]->is_slow = false;
    run();
    expect_keys(ring_of({{2, KeyRole::kUse}}));
}

TEST_F(KeyAgreementTest, AConfigurationInTheMiddleLosesNothing) {
    form({0, 1, 2});
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    // All that was on its way is lost with the ring, again and again.
    for (int i = 0; i < 4; ++i) {
        for (std::size_t place = 0; place < 3; ++place) {
            static_cast<void>(at(place).take_messages());
        }
        form({0, 1, 2});
    }
    expect_keys(ring_of({{2, KeyRole::kUse}}));
}

TEST_F(KeyAgreementTest, TwoRotationsAtOnceEndWithOneKeyForAll) {
    form({0, 1, 2});
    daemons_[2]->is_slow = true;
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    EXPECT_EQ(at(1).rotate(secret_of(3)), "");
    EXPECT_THAT(at(1).rotate(secret_of(4)), HasSubstr("is under way"));
    run();
    daemons_[2]->is_slow = false;
    run();
    const KeyId used = daemons_[0]->store.keys().in_use().id;
    for (std::size_t place = 0; place < 3; ++place) {
        EXPECT_EQ(daemons_[place]->store.keys(), daemons_[0]->store.keys());
        EXPECT_EQ(daemons_[place]->store.keys().in_use().id, used);
        EXPECT_EQ(daemons_[place]->store.keys().find(id_of(1)), nullptr);
        EXPECT_NE(at(place).table().rotation, Rotation::kUsing);
    }
    EXPECT_EQ(at(2).rotate(secret_of(5)), "");
    run();
    EXPECT_EQ(at(2).table().rotation, Rotation::kDone);
}

TEST_F(KeyAgreementTest, WhoHasNotGivenKeysUpIsHelpedFirst) {
    KeyRing full = ring_of({{1, KeyRole::kUse}});
    for (int i = 11; i < 18; ++i) {
        full.add(secret_of(i), "");
    }
    for (int i = 11; i < 18; ++i) {
        full.use(id_of(i));
    }
    full.use(id_of(1));
    daemons_[2]->file.text = full;
    EXPECT_EQ(daemons_[2]->store.look(), KeyStore::Look::kChanged);
    tell(2);
    form({0, 1, 2});
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    run();
    expect_keys(ring_of({{2, KeyRole::kUse}}));
}

TEST_F(KeyAgreementTest, WhoSaysNothingIsNamed) {
    at(0).on_regular_configuration({DaemonId{1}, DaemonId{2}});
    EXPECT_THAT(at(0).use(id_of(1)), HasSubstr("d1 has not said"));
    for (const auto& message : at(0).take_messages()) {
        EXPECT_TRUE(at(0).on_message(DaemonId{1}, message.body));
    }
    EXPECT_THAT(at(0).use(id_of(1)), HasSubstr("d2 has not said which ring keys it has"));
}

TEST_F(KeyAgreementTest, BeforeTheFirstRingNothingIsDone) {
    EXPECT_THAT(at(0).rotate(secret_of(2)), HasSubstr("has not formed"));
    EXPECT_THAT(at(0).use(id_of(1)), HasSubstr("has not formed"));
    EXPECT_FALSE(at(0).on_message(DaemonId{1}, {}));
}

TEST_F(KeyAgreementTest, AKeyUnderAnUnknownOneIsReported) {
    form({0, 1});
    daemons_[0]->store.carry_out(order_of(KeyOrder::Kind::kTakeOver, 7), "");
    tell(0);
    run();
    EXPECT_EQ(at(0).rotate(secret_of(2)), "");
    run();
    EXPECT_EQ(at(0).table().rotation, Rotation::kFailed);
    EXPECT_THAT(at(0).table().waits_for, HasSubstr("comes under " + to_string(id_of(7)) + ", and " +
                                                   to_string(id_of(1)) + " is in use here"));
}

}  // namespace
}  // namespace spread::sealing
