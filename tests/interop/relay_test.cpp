// What reaches the receivers of a multicast, byte for byte (CP 4.2).

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

class Relay : public OneDaemon {};

std::string junk(std::size_t size) {
    return std::string(1, '\0') + std::string(size, '\x7e');
}

/// What a receiver gets for `request` (CP 4.2): integers in the daemon's order, all
/// else as sent. Our hosts are little-endian, and so is what our daemon says.
Bytes relayed(Request request) {
    if (request.hint.empty()) {
        request.hint = hint_of(0, request.order);
    }
    request.order = Order::kLittle;
    Bytes bytes = encode(request);
    bytes[4 + 31] = std::byte{0};
    return bytes;
}

void expect_relayed(Session& sender, Session& receiver, const Request& request) {
    sender.send(request);
    EXPECT_EQ(receiver.next().raw, relayed(request));
}

// CP 4.2: type, num_groups and data_len in the daemon's order, from either
TEST_F(Relay, TurnsIntegersToTheDaemonsOrder) {
    Session alice = session(fresh("al"));
    for (const Order order : {Order::kLittle, Order::kBig}) {
        for (const std::uint32_t service : kServices) {
            for (const std::uint32_t options : {0U, kDropRecv}) {
                Request request =
                    alice.request(service | options, {alice.name(), "no-such-group"}, "some text");
                request.order = order;
                expect_relayed(alice, alice, request);
            }
        }
    }
}

// CP 4.2: SELF_DISCARD is seen by the others
TEST_F(Relay, KeepsTheOptionBits) {
    Session alice = session(fresh("al"));
    Session bob = session(fresh("bo"));
    for (const Order order : {Order::kLittle, Order::kBig}) {
        for (const std::uint32_t options : {kSelfDiscard, kDropRecv, kSelfDiscard | kDropRecv}) {
            Request request = alice.request(kAgreed | options, {bob.name()}, "some text");
            request.order = order;
            expect_relayed(alice, bob, request);
        }
    }
}

// CP 4.1, 4.2: the four bytes of the hint, whatever they are
TEST_F(Relay, DoesNotTouchTheHint) {
    Session alice = session(fresh("al"));
    std::vector<int> mess_types{0, 1, -1, 0x1234, 32767, -32768, 0x80, 0x7f80, -129, 255, 256};
    for (int i = 0; i < 500; ++i) {
        mess_types.push_back(i * 131 - 32768);
    }
    for (const Order order : {Order::kLittle, Order::kBig}) {
        for (const Order hint_order : {Order::kLittle, Order::kBig}) {
            for (const int mess_type : mess_types) {
                Request request = alice.request(kAgreed, {alice.name()});
                request.order = order;
                request.hint = hint_of(mess_type, hint_order);
                expect_relayed(alice, alice, request);
            }
        }
    }
}

// CP 4.1: the documented bytes
TEST_F(Relay, HintsLookAsDocumented) {
    Session alice = session(fresh("al"));
    for (const auto& [order, hex] :
         {std::pair(Order::kLittle, "80341280"), std::pair(Order::kBig, "00123400")}) {
        Request request = alice.request(kAgreed, {alice.name()});
        request.order = order;
        request.hint = hint_of(0x1234, order);
        alice.send(request);
        EXPECT_EQ(support::hex_of(alice.next().hint), hex);
    }
}

// CP 4.2: hints need not be what a library makes
TEST_F(Relay, OddHintsPassThrough) {
    Session alice = session(fresh("al"));
    for (const std::uint32_t hint : {0x80ffff80U, 0x80000000U, 0x00000080U, 0x00ffff80U}) {
        Request request = alice.request(kAgreed, {alice.name()});
        request.hint = word(hint, Order::kLittle);
        expect_relayed(alice, alice, request);
    }
}

// CP 4.2: junk behind the sender's NUL passes; the last byte is forced to 0
TEST_F(Relay, KeepsJunkBehindTheSendersName) {
    Session alice = session(fresh("al"));
    Request request = alice.request(kAgreed, {alice.name()}, "text");
    request.sender = alice.name() + junk(31);
    expect_relayed(alice, alice, request);
}

// CP 4.2, 5.6: the list of groups as sent: duplicates, strangers, junk and all
TEST_F(Relay, KeepsTheListOfGroups) {
    Session alice = session(fresh("al"));
    const std::string group = fresh("room");
    alice.enter(group);
    const std::vector<std::string> groups{group,        group,          "unknown", "",
                                          "#nobody#d1", "#x#elsewhere", "##d1",    group + junk(5),
                                          alice.name(), "a b\xff"};
    expect_relayed(alice, alice, alice.request(kAgreed, groups, "text"));
    alice.expect_nothing();
}

// CP 4.2: any body
TEST_F(Relay, KeepsTheBody) {
    Session alice = session(fresh("al"));
    std::string all_bytes;
    for (unsigned byte = 0; byte < 256; ++byte) {
        all_bytes += static_cast<char>(byte);
    }
    for (const std::string& body :
         {std::string(), std::string(1, '\0'), std::string(48, '\0'), all_bytes}) {
        expect_relayed(alice, alice, alice.request(kAgreed, {alice.name()}, body));
    }
}

// CP 4.2: the bytes a type begins with, from either order, arrive in the daemon's
TEST_F(Relay, TypesLookAsDocumented) {
    Session alice = session(fresh("al"));
    const std::vector<std::pair<std::uint32_t, std::string>> types{
        {kAgreed, "90000080"}, {kSafe, "a0000080"}, {kFifo, "84000080"}};
    for (const auto& [type, hex] : types) {
        for (const Order order : {Order::kLittle, Order::kBig}) {
            Request request = alice.request(type, {alice.name()});
            request.order = order;
            alice.send(request);
            const Frame frame = alice.next();
            EXPECT_EQ(support::hex_of(std::span(frame.raw).first(4)), hex);
        }
    }
}

// CP 5: requests in any pieces: one byte at a time, all kinds
TEST_F(Relay, PutsRequestsTogetherFromSingleBytes) {
    Session alice = session(fresh("al"));
    const std::string group = fresh("room");
    const auto dribble = [&alice](const Request& request) {
        for (const std::byte b : encode(request)) {
            alice.send(std::vector{b});
        }
    };
    dribble(alice.request(kJoin, {group}));
    alice.next_view(group, kByJoin);
    Request message = alice.request(kAgreed, {group, "other"}, "in single bytes");
    dribble(message);
    EXPECT_EQ(alice.next().raw, relayed(message));
    dribble(alice.request(kLeave, {group}));
    alice.next_self_leave(group);
    dribble(alice.request(kKill, {alice.name()}));
    alice.connection().expect_end();
}

// CP 5: the same, cut in two at every place
TEST_F(Relay, PutsRequestsTogetherCutAnywhere) {
    Session alice = session(fresh("al"));
    const Request message = alice.request(kAgreed, {alice.name(), "other"}, "cut");
    const Bytes bytes = encode(message);
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        alice.send(std::span(bytes).first(cut));
        // The session is alive and another one served meanwhile.
        alice.send(std::span(bytes).subspan(cut));
        EXPECT_EQ(alice.next().raw, bytes) << cut;
    }
}

// CP 5: many in one segment, also when the last is cut
TEST_F(Relay, TakesManyRequestsAtOnce) {
    Session alice = session(fresh("al"));
    Bytes bytes;
    for (int i = 0; i < 500; ++i) {
        append(bytes, encode(alice.request(kAgreed, {alice.name()}, std::to_string(i))));
    }
    alice.send(std::span(bytes).first(bytes.size() - 1));
    alice.send(std::span(bytes).last(1));
    for (int i = 0; i < 500; ++i) {
        alice.next_text(std::to_string(i));
    }
}

}  // namespace
}  // namespace spread::interop
