// The connect handshake: its bytes, its pieces, and clients that say too little
// (CP 3.1 to 3.5).

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

using support::RawConnection;
using testing::MatchesRegex;

class Handshake : public OneDaemonBothWays {};

class HandshakeAlone : public OneDaemon {};

Bytes joined(const Bytes& first, const Bytes& second) {
    Bytes both = first;
    append(both, second);
    return both;
}

/// Works, as its first request shows.
void expect_service(RawConnection& connection, const std::string& private_group) {
    Request join;
    join.type = kJoin;
    join.sender = private_group;
    join.groups = {fresh("room")};
    connection.send(encode(join));
    EXPECT_EQ(view_of(read_frame(connection)).members, Names{private_group});
}

// CP 3.2, 3.5: the exact bytes of D1 and D2
TEST_P(Handshake, AnswersWithTheDocumentedBytes) {
    const std::string name = fresh("al");
    RawConnection connection = connect_this_way();
    connection.send(opening(name));
    EXPECT_EQ(text_of(connection.read(6)), "\x05NULL ");
    connection.send(choice({"NULL"}));
    const std::string private_group = "#" + name + "#d1";
    Bytes accept{std::byte{1}, std::byte{5}, std::byte{0}, std::byte{1},
                 static_cast<std::byte>(private_group.size())};
    append(accept, bytes_of(private_group));
    EXPECT_EQ(connection.read(accept.size()), accept);
    expect_service(connection, private_group);
}

// CP 3.1: nothing is sent before C1
TEST_P(Handshake, TheClientSpeaksFirst) {
    RawConnection connection = connect_this_way();
    EXPECT_FALSE(connection.has_input_within(std::chrono::milliseconds(100)));
    EXPECT_EQ(shake_hands(connection, opening(fresh("al"))).code, 1);
}

// CP 3.1, 3.3: a tolerant daemon puts C1 and C2 together from any pieces
TEST_P(Handshake, ComesByteByByte) {
    SPREAD_DIFFERS_FROM_STOCK("stock reads C1 and C2 once and closes when they are not whole");
    const std::string name = fresh("al");
    RawConnection connection = connect_this_way();
    const auto dribble = [&](const Bytes& bytes) {
        for (const std::byte b : bytes) {
            connection.send(std::vector{b});
        }
    };
    dribble(opening(name));
    EXPECT_EQ(read_method_list(connection).list, "NULL ");
    dribble(choice({"NULL"}));
    EXPECT_EQ(read_verdict(connection).private_group, "#" + name + "#d1");
    expect_service(connection, "#" + name + "#d1");
}

// CP 3.1, 3.3: the same, cut in two at every place
TEST_P(Handshake, ComesInTwoPiecesCutAnywhere) {
    SPREAD_DIFFERS_FROM_STOCK("stock reads C1 and C2 once and closes when they are not whole");
    const std::string name = fresh("al");
    const Bytes all = joined(opening(name), choice({"NULL"}));
    for (std::size_t cut = 1; cut < all.size(); ++cut) {
        std::string user = fresh("c");
        user.resize(name.size(), '-');
        const Bytes bytes = joined(opening(user), choice({"NULL"}));
        RawConnection connection = connect_this_way();
        connection.send(std::span(bytes).first(cut));
        if (cut >= opening(user).size()) {
            // The daemon has read the first piece for sure.
            EXPECT_EQ(read_method_list(connection).list, "NULL ");
            connection.send(std::span(bytes).subspan(cut));
        } else {
            connection.send(std::span(bytes).subspan(cut));
            EXPECT_EQ(read_method_list(connection).list, "NULL ");
        }
        EXPECT_EQ(read_verdict(connection).private_group, "#" + user + "#d1") << "cut at " << cut;
    }
}

// CP 3.1: C2 right behind C1; stock takes it behind a name of 0 or 10 bytes only
TEST_P(Handshake, TheChoiceMayComeBehindTheOpening) {
    std::vector<std::string> names{"", "ten-bytes" + std::to_string(GetParam() == Transport::kTcp)};
    if (!stock()) {
        names.push_back(fresh("p"));
    }
    for (const std::string& name : names) {
        RawConnection connection = connect_this_way();
        connection.send(joined(opening(name), choice({"NULL"})));
        EXPECT_EQ(read_method_list(connection).list, "NULL ");
        const Verdict verdict = read_verdict(connection);
        EXPECT_EQ(verdict.code, 1) << name;
        expect_service(connection, verdict.private_group);
    }
}

// CP 3.3: C2 and the first request in one segment
TEST_P(Handshake, TheFirstRequestMayComeBehindTheChoice) {
    const std::string name = fresh("al");
    RawConnection connection = connect_this_way();
    connection.send(opening(name));
    EXPECT_EQ(read_method_list(connection).list, "NULL ");
    Request join;
    join.type = kJoin;
    join.sender = "#" + name + "#d1";
    join.groups = {fresh("room")};
    connection.send(joined(choice({"NULL"}), encode(join)));
    EXPECT_EQ(read_verdict(connection).code, 1);
    EXPECT_EQ(view_of(read_frame(connection)).members, Names{join.sender});
}

// CP 3.1, 3.3: everything a client ever says, in one segment
TEST_P(Handshake, EverythingMayComeAtOnce) {
    SPREAD_DIFFERS_FROM_STOCK("stock reads C1 once and rejects what is longer than it should be");
    const std::string name = fresh("al");
    RawConnection connection = connect_this_way();
    Request request;
    request.sender = "#" + name + "#d1";
    request.groups = {fresh("room")};
    request.type = kJoin;
    Bytes all = joined(opening(name), choice({"NULL"}));
    append(all, encode(request));
    request.type = kAgreed;
    request.body = bytes_of("hello");
    append(all, encode(request));
    connection.send(all);
    EXPECT_EQ(read_method_list(connection).list, "NULL ");
    EXPECT_EQ(read_verdict(connection).code, 1);
    EXPECT_TRUE(read_frame(connection).is_view());
    EXPECT_EQ(read_frame(connection).text(), "hello");
}

// CP 3.1: no byte within a second: closed, nothing sent. Others need not wait for
// that.
TEST_P(Handshake, ASilentConnectionIsClosedAndHoldsUpNobody) {
    RawConnection silent = connect_this_way();
    if (!stock()) {
        RawConnection other = connect_this_way();
        EXPECT_EQ(shake_hands(other, opening(fresh("al"))).code, 1);
        EXPECT_FALSE(silent.has_input_within(std::chrono::milliseconds(0)));
    }
    silent.expect_end();
}

// CP 3.1: an opening that ends before its name is answered with nothing but the end;
// one that ends inside the name has an illegal one
TEST_P(Handshake, AnOpeningCutShortByTheClientIsClosed) {
    const Bytes whole = opening(fresh("al"));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        RawConnection connection = connect_this_way();
        connection.send(std::span(whole).first(length));
        connection.finish_sending();
        if (length >= 5) {
            EXPECT_EQ(read_method_list(connection).code, -5) << length;
        }
        connection.expect_end();
    }
}

// CP 3.3: a choice that ends early is rejected with -9
TEST_P(Handshake, AChoiceCutShortByTheClientIsRejected) {
    const Bytes whole = choice({"NULL"});
    for (std::size_t length = 0; length < whole.size(); ++length) {
        RawConnection connection = connect_this_way();
        connection.send(opening(fresh("al")));
        EXPECT_EQ(read_method_list(connection).list, "NULL ");
        connection.send(std::span(whole).first(length));
        connection.finish_sending();
        EXPECT_EQ(read_verdict(connection).code, -9) << length;
        connection.expect_end();
    }
}

// CP 3.3: fewer than 90 bytes at the moment stock looks are rejected; we wait
TEST_P(Handshake, AChoiceInTwoPiecesIsWaitedFor) {
    RawConnection connection = connect_this_way();
    connection.send(opening(fresh("al")));
    EXPECT_EQ(read_method_list(connection).list, "NULL ");
    const Bytes whole = choice({"NULL"});
    connection.send(std::span(whole).first(50));
    if (stock()) {  // we differ on purpose
        EXPECT_EQ(read_verdict(connection).code, -9);
        connection.expect_end();
        return;
    }
    EXPECT_FALSE(connection.has_input_within(std::chrono::milliseconds(50)));
    connection.send(std::span(whole).subspan(50));
    EXPECT_EQ(read_verdict(connection).code, 1);
}

// CP 3.1: bytes beyond what the opening needs
TEST_P(Handshake, BytesBehindTheOpeningBelongToTheChoice) {
    RawConnection connection = connect_this_way();
    const std::string name = fresh("al");
    connection.send(joined(opening(name), bytes_of("NU")));
    if (stock()) {  // it reads up to ten bytes of name, whatever the length says
        EXPECT_EQ(read_method_list(connection).code, -5);
        return;
    }
    EXPECT_EQ(read_method_list(connection).list, "NULL ");
    const Bytes whole = choice({"NULL"});
    connection.send(std::span(whole).subspan(2));
    EXPECT_EQ(read_verdict(connection).private_group, "#" + name + "#d1");
}

// CP 3.6: a refusal is one byte, then the end
TEST_P(Handshake, ARefusalIsOneByteAndTheEnd) {
    const std::string taken = fresh("al");
    Session holder(connect_this_way(), taken);
    const std::vector<std::pair<Bytes, int>> refused{
        {opening("a b"), -5}, {opening(taken), -6}, {opening("al", {2, 0, 0}), -7}};
    for (const auto& [bytes, code] : refused) {
        RawConnection connection = connect_this_way();
        connection.send(bytes);
        EXPECT_EQ(read_method_list(connection).code, code);
        connection.expect_end();
    }
}

// CP 3.6: the code arrives although the daemon closes with input unread
TEST_P(Handshake, TheCodeOfARefusalSurvivesUnreadInput) {
    SPREAD_DIFFERS_FROM_STOCK("stock closes at once, which may turn into a reset");
    for (int i = 0; i < 20; ++i) {
        RawConnection connection = connect_this_way();
        Bytes bytes = opening("a b");
        bytes.resize(3000);
        connection.send(bytes);
        EXPECT_EQ(read_method_list(connection).code, -5);
        connection.drain();
    }
}

// CP 2.1: the Unix socket is open to everybody
TEST_F(HandshakeAlone, OverTheUnixSocketNeedsNoRights) {
    const std::filesystem::path path = cluster().unix_socket();
    ASSERT_TRUE(std::filesystem::is_socket(path));
    EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms::all,
              std::filesystem::perms(0666));
}

// CP 3.1: the name a daemon invents
TEST_P(Handshake, AnEmptyNameGetsAnInventedOne) {
    std::vector<Session> sessions;
    for (int i = 0; i < 5; ++i) {
        sessions.emplace_back(connect_this_way(), "");
        const std::string& group = sessions.back().name();
        EXPECT_THAT(group, MatchesRegex("#r[0-9]+-[0-9]*#d1"));
        EXPECT_LE(group.size(), std::string("##d1").size() + 9);
        for (int other = 0; other < i; ++other) {
            EXPECT_NE(sessions[static_cast<std::size_t>(other)].name(), group);
        }
    }
    sessions.front().enter(fresh("room"));
}

// CP 3.3, 9 item 5: a handshake has ten seconds with us, in stock for ever. Where the
// client has chosen nothing by then, it is told so; either way its name is free.
TEST_F(HandshakeAlone, AnUnfinishedHandshakeEnds) {
    SPREAD_DIFFERS_FROM_STOCK("stock has no time limit");
    const std::string name = fresh("al");
    RawConnection halfway = connect();
    const Bytes first = opening(fresh("al"));
    halfway.send(std::span(first).first(4));
    RawConnection undecided = connect();
    undecided.send(opening(name));
    EXPECT_EQ(read_method_list(undecided).list, "NULL ");
    RawConnection slow = connect();
    slow.send(opening(fresh("al")));
    EXPECT_EQ(read_method_list(slow).list, "NULL ");
    const Bytes whole = choice({"NULL"});
    slow.send(std::span(whole).first(89));
    for (RawConnection* late : {&undecided, &slow}) {
        EXPECT_EQ(read_verdict(*late).code, -9);
        late->expect_end();
    }
    halfway.expect_end();
    EXPECT_EQ(session(name).name(), "#" + name + "#d1");
}

SPREAD_BOTH_WAYS(Handshake);

}  // namespace
}  // namespace spread::interop
