// Private names and group names (CP 3.1, 5.2; GS 1.2).

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

using support::RawConnection;

class NamesRules : public OneDaemon {};

/// The code of a refusal, or 1.
int try_name(std::string_view name, std::optional<int> length = {}) {
    RawConnection connection = OneDaemon::connect();
    return shake_hands(connection, opening(name, {}, 1, length)).code;
}

// CP 3.1: every byte is 0x24 to 0x7e, at every place of the name
TEST_F(NamesRules, ConsistOfTheBytesFromDollarToTilde) {
    for (const std::string& around :
         {std::string("?"), std::string("a?"), std::string("?a"), std::string("abcd?efghi")}) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            std::string name = around;
            name[name.find('?')] = static_cast<char>(byte);
            const bool legal = byte >= 0x24 && byte <= 0x7e;
            EXPECT_EQ(try_name(name), legal ? 1 : -5) << "byte " << byte << " in " << around;
        }
    }
}

// CP 3.1: the length is a signed byte, 0 to 10
TEST_F(NamesRules, HaveUpToTenBytes) {
    for (int length = -128; length < 128; ++length) {
        std::string name = fresh("n");
        name.resize(length < 0 ? 0 : static_cast<std::size_t>(length), '-');
        const bool legal = length >= 0 && length <= 10;
        EXPECT_EQ(try_name(name, length), legal ? 1 : -5) << "length " << length;
    }
}

// CP 3.1: a length that is refused needs no name behind it
TEST_F(NamesRules, OfIllegalLengthAreRefusedAtOnce) {
    for (const int length : {-128, -1, 11, 127}) {
        EXPECT_EQ(try_name("", length), -5) << length;
    }
}

// CP 3.1, 3.6: unique at this daemon, case counts
TEST_F(NamesRules, AreUniqueAndCaseSensitive) {
    const std::string name = fresh("aa");
    Session holder = session(name);
    EXPECT_EQ(try_name(name), -6);
    std::string upper = name;
    upper[0] = 'A';
    EXPECT_EQ(try_name(upper), 1);
    EXPECT_EQ(try_name(name + "x"), 1);
    EXPECT_EQ(try_name(name.substr(1)), 1);
    // The holder has noticed nothing.
    holder.enter(fresh("room"));
    holder.expect_nothing();
}

// CP 3.1, 5.5: free again once the disconnect has been delivered
TEST_F(NamesRules, AreFreeAgainAfterTheDisconnect) {
    Member watcher = witness();
    const std::string name = fresh("aa");
    for (int life = 0; life < 5; ++life) {
        Session mortal = session(name);
        mortal.enter(watcher.group);
        EXPECT_EQ(watcher.session.next_view(watcher.group, kByJoin).changed(), mortal.name());
        mortal.kill();
        EXPECT_EQ(watcher.session.next_view(watcher.group, kByDisconnect).changed(), mortal.name());
        mortal.connection().expect_end();
    }
}

// CP 5.2: the daemon takes any group name that a field can hold
TEST_F(NamesRules, OfGroupsMayHaveAnyByte) {
    Session alice = session(fresh("al"));
    for (unsigned byte = 1; byte < 256; ++byte) {
        const std::string group = "g" + std::string(1, static_cast<char>(byte));
        EXPECT_EQ(alice.enter(group).group, group);
        alice.multicast({group}, "to the group");
        alice.next_text("to the group");
        alice.leave(group);
        alice.next_self_leave(group);
    }
}

// CP 5.2: raw joins that no library sends
TEST_F(NamesRules, OfGroupsMayBeOddOnTheRawWire) {
    Session alice = session(fresh("al"));
    for (const std::string& group :
         {std::string(), std::string(31, 'x'), std::string("a group"), std::string("\xff\x80\x01"),
          std::string("#nobody#nowhere"), std::string("#"), alice.name()}) {
        EXPECT_EQ(alice.enter(group).group, group);
        alice.leave(group);
        alice.next_self_leave(group);
    }
    alice.expect_nothing();
}

// CP 5.2: 32 bytes without NUL
TEST_F(NamesRules, OfGroupsWithoutNulDropTheSession) {
    SPREAD_DIFFERS_FROM_STOCK("stock lets the name in and clients read on into the next field");
    Member watcher = witness();
    for (const std::uint32_t type : {kJoin, kLeave}) {
        Session alice = session(fresh("al"));
        alice.enter(watcher.group);
        watcher.session.next_view(watcher.group, kByJoin);
        alice.send(alice.request(type, {std::string(32, 'x')}));
        alice.connection().expect_end();
        EXPECT_EQ(watcher.session.next_view(watcher.group, kByDisconnect).changed(), alice.name());
    }
}

// CP 5.2: as a destination it is just nobody's
TEST_F(NamesRules, OfDestinationsWithoutNulReachNobody) {
    SPREAD_DIFFERS_FROM_STOCK("unterminated names are undefined in stock");
    Session alice = session(fresh("al"));
    alice.enter(std::string(31, 'y'));
    alice.multicast({std::string(32, 'y')}, "to nobody");
    alice.expect_nothing();
}

// CP 5.2: compared up to the NUL; what follows is ignored
TEST_F(NamesRules, OfGroupsEndAtTheNul) {
    Session alice = session(fresh("al"));
    const std::string group = fresh("room");
    const std::string with_junk = group + std::string(1, '\0') + "junk";
    EXPECT_EQ(alice.enter(with_junk.c_str()).group, group);
    alice.join(with_junk);  // a member already: ignored
    alice.multicast({with_junk}, "over the junk");
    const Frame frame = alice.next_text("over the junk");
    // CP 4.2: and passed on as it came
    EXPECT_EQ(frame.group_bytes, name_field(with_junk));
    alice.leave(with_junk);
    alice.next_self_leave(group);
    alice.expect_nothing();
}

// CP 5.2, 7.2: junk of the joiner's request does not show up in anybody's view
TEST_F(NamesRules, OfGroupsInViewsArePaddedWithZeros) {
    Session alice = session(fresh("al"));
    const std::string group = fresh("room");
    alice.join(group + std::string(1, '\0') + "junk");
    Frame frame = alice.next();
    EXPECT_EQ(frame.name(), group);
    if (!stock()) {
        EXPECT_EQ(frame.name_bytes, name_field(group));
    }
    EXPECT_EQ(frame.group_bytes, name_field(alice.name()));
}

// GS 1.2: group names are case sensitive
TEST_F(NamesRules, OfGroupsAreCaseSensitive) {
    const std::string lower = fresh("room");
    std::string upper = lower;
    upper[0] = 'R';
    Session alice = session(fresh("al"));
    Session bob = session(fresh("bo"));
    alice.enter(lower);
    EXPECT_EQ(bob.enter(upper).members, Names{bob.name()});
    alice.multicast({upper}, "to the upper");
    bob.next_text("to the upper");
    alice.expect_nothing();
}

}  // namespace
}  // namespace spread::interop
