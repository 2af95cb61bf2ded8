#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/session/session_machine.hpp"
#include "tests/unit/session/client_bytes.hpp"
#include "tests/unit/session/conversation.hpp"

namespace spread::session {
namespace {

using testing::SizeIs;

TEST(SessionMachineHandshake, MatchesTheRecordedOne) {
    Conversation c;
    c.feed(from_hex("0500010105616c696365"));
    EXPECT_THAT(c.said(), testing::ElementsAre("name alice", "D1 054e554c4c20"));
    c.feed(auth_bytes());
    EXPECT_EQ(c.last(), "D2 010500010923616c696365236431");
    EXPECT_TRUE(c.machine().wants_membership());
}

TEST(SessionMachineHandshake, AcceptsAnyFragmentation) {
    const Bytes all = concat({connect_bytes("alice"), auth_bytes()});
    Conversation whole;
    whole.feed(all);
    EXPECT_THAT(whole.said(), SizeIs(3));
    for (std::size_t piece = 1; piece < all.size(); ++piece) {
        Conversation c;
        c.feed(all, piece);
        EXPECT_EQ(c.said(), whole.said()) << "pieces of " << piece;
    }
}

TEST(SessionMachineHandshake, WaitsAtEveryTruncation) {
    const Bytes all = concat({connect_bytes("alice"), auth_bytes()});
    for (std::size_t size = 0; size < all.size(); ++size) {
        Conversation c;
        c.feed(Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size)));
        EXPECT_THAT(c.said(), SizeIs(size < 10 ? 0 : 2)) << size;
        EXPECT_NE(c.machine().phase(), SessionPhase::kOpen);
    }
}

TEST(SessionMachineHandshake, TakesRequestsSentAhead) {
    Conversation c;
    c.feed(concat(
        {connect_bytes("tst"), auth_bytes(), join_bytes("room"), multicast_bytes({"room"}, "hi")}));
    ASSERT_THAT(c.said(), SizeIs(5));
    EXPECT_EQ(c.said()[3], "join room");
    EXPECT_THAT(c.said()[4], testing::StartsWith("agreed "));
}

TEST(SessionMachineHandshake, ServesLibrariesBeforeAuthentication) {
    Conversation two_bytes;
    two_bytes.feed(from_hex("030d01046f6c6432"));
    EXPECT_EQ(two_bytes.last(), "D2 01050008236f6c6432236431");
    Conversation three_bytes;
    three_bytes.feed(from_hex("030f0201036f6c64"));
    EXPECT_EQ(three_bytes.last(), "D2 0105000107236f6c64236431");
}

TEST(SessionMachineHandshake, RejectsWithStocksCodes) {
    struct Case {
        std::string_view hex;
        std::string_view said;
    };
    for (const Case& k :
         {Case{"020901027878", "reject -7"},  // version 2.9
          Case{"0300", "reject -7"},          // version 3.0
          Case{"80010101", "reject -7"},      // negative version
          Case{"050001010b6162636465666768696a6b", "reject -5"}, Case{"05000101ff", "reject -5"},
          Case{"0500010105616c236365", "reject -5"},     // '#'
          Case{"0500010105616c206365", "reject -5"}}) {  // ' '
        Conversation c;
        c.feed(from_hex(k.hex));
        EXPECT_THAT(c.said(), testing::ElementsAre(std::string(k.said))) << k.hex;
        EXPECT_EQ(c.machine().phase(), SessionPhase::kDone);
        Conversation dribbled;
        dribbled.feed(from_hex(k.hex), 1);
        EXPECT_EQ(dribbled.said(), c.said()) << k.hex;
    }
}

TEST(SessionMachineHandshake, AcceptsOnlyAllowedMethodsByExactName) {
    struct Case {
        std::vector<std::string> methods;
        bool accepted;
    };
    for (const Case& k :
         {Case{{"NULL"}, true}, Case{{"NULL", "NULL"}, true}, Case{{"NULL", "NULL", "NULL"}, true},
          Case{{}, false}, Case{{"FOO"}, false}, Case{{"null"}, false}, Case{{"NULLx"}, false},
          Case{{"NUL"}, false}, Case{{"NULL", "IP"}, false}, Case{{"IP", "NULL"}, false}}) {
        Conversation c;
        c.feed(connect_bytes("x"));
        const auto choice = protocol::encode_auth_choice(k.methods);
        c.feed(Bytes(choice.begin(), choice.end()));
        EXPECT_EQ(c.last(), k.accepted ? "D2 010500010523782364"
                                         "31"
                                       : "reject -9")
            << testing::PrintToString(k.methods);
    }
}

constexpr std::string_view kD2 = "D2 01050001052378236431";

// CP 3.3: the chosen methods, then the required ones not chosen
TEST(SessionMachineAuth, RunsTheChosenMethodsAndThenTheRequiredOnes) {
    struct Case {
        AuthMethods methods;
        std::vector<std::string> chosen;
        bool address_is_known;
        std::vector<std::string> said;  // behind D1
    };
    const std::string d2(kD2);
    const std::string no = "reject -9";
    const std::string ip = "address?";
    for (const Case& k : {
             Case{{{"NULL", "IP"}, {}}, {"NULL"}, false, {d2}},
             Case{{{"NULL", "IP"}, {}}, {"IP"}, true, {ip, d2}},
             Case{{{"NULL", "IP"}, {}}, {"IP"}, false, {ip, no}},
             Case{{{"NULL", "IP"}, {}}, {"NULL", "IP"}, true, {ip, d2}},
             Case{{{"IP"}, {}}, {"NULL"}, true, {no}},
             Case{{{"NULL"}, {"IP"}}, {"NULL"}, true, {ip, d2}},
             Case{{{"NULL"}, {"IP"}}, {"NULL"}, false, {ip, no}},
             Case{{{"NULL"}, {"IP"}}, {"IP"}, true, {no}},
             Case{{{"NULL", "IP"}, {"IP"}}, {"IP"}, true, {ip, d2}},
             Case{{{"KERBEROS"}, {}}, {"KERBEROS"}, true, {no}},
         }) {
        Conversation c(k.methods);
        c.address_is_known = k.address_is_known;
        c.feed(connect_bytes("x"));
        c.forget();
        c.feed(choice_bytes(k.chosen));
        EXPECT_EQ(c.said(), k.said) << testing::PrintToString(k.methods.allowed) << " and "
                                    << testing::PrintToString(k.methods.required) << ", chosen "
                                    << testing::PrintToString(k.chosen);
    }
}

// CP 3.4
TEST(SessionMachineAuth, APasswordIsAnsweredByOneByteAndThenTheVerdict) {
    const AuthMethods methods{.allowed = {"PWORD"}, .required = {}};
    for (const bool is_right : {true, false}) {
        const Bytes all = concat({connect_bytes("x"), choice_bytes({"PWORD"}),
                                  proof_bytes("alice", is_right ? "secret" : "guess")});
        for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, all.size()}) {
            Conversation c(methods);
            c.feed(all, piece);
            EXPECT_THAT(c.said(), testing::ElementsAre(
                                      "name x", "D1 0650574f524420",
                                      is_right ? "password? alice:secret" : "password? alice:guess",
                                      is_right ? "verdict 01" : "verdict 00",
                                      is_right ? std::string(kD2) : "reject -9"));
            EXPECT_EQ(c.machine().login(), is_right ? "alice" : "");
        }
    }
}

TEST(SessionMachineAuth, AllMethodsRunAlsoAfterOneHasFailed) {
    const AuthMethods methods{.allowed = {"IP", "PWORD"}, .required = {}};
    Conversation c(methods);
    c.address_is_known = false;
    c.feed(concat({connect_bytes("x"), choice_bytes({"IP", "PWORD"}), proof_bytes("a", "secret")}));
    EXPECT_THAT(c.said(), testing::ElementsAre("name x", testing::_, "address?",
                                               "password? a:secret", "verdict 01", "reject -9"));
}

TEST(SessionMachineAuth, UsesAllBytesOfFullFields) {
    const AuthMethods methods{.allowed = {"PWORD"}, .required = {}};
    Conversation c(methods);
    c.feed(concat({connect_bytes("x"), choice_bytes({"PWORD"}),
                   proof_bytes(std::string(40, 'u'), "12345678901")}));
    EXPECT_EQ(c.said()[2], "password? " + std::string(32, 'u') + ":12345678");
}

TEST(SessionMachineAuth, WhoIsNotAdmittedIsRejectedInPlaceOfD2) {
    Conversation c;
    c.is_admitted = false;
    c.feed(concat({connect_bytes("x"), auth_bytes()}));
    EXPECT_THAT(c.said(), testing::ElementsAre("name x", testing::_, "reject -9"));
}

// CP 3.1: libraries before 3.16 are not asked
TEST(SessionMachineAuth, OldLibrariesAreAdmittedByAddressElseWithoutProof) {
    struct Case {
        AuthMethods methods;
        bool address_is_known;
        std::vector<std::string> said;
    };
    const Bytes c1 = from_hex("030d010178");  // 3.13, membership messages, "x"
    const std::string d2 = "D2 010500052378236431";
    for (const Case& k : {
             Case{{{"NULL"}, {}}, true, {"name x", d2}},
             Case{{{"NULL", "IP"}, {}}, true, {"name x", "address?", d2}},
             Case{{{"NULL", "IP"}, {}}, false, {"name x", "address?", "reject -9"}},
             Case{{{"NULL"}, {"IP"}}, true, {"name x", "address?", d2}},
             Case{{{"PWORD"}, {}}, true, {"name x", "reject -9"}},
             Case{{{"NULL"}, {"PWORD"}}, true, {"name x", "reject -9"}},
         }) {
        Conversation c(k.methods);
        c.address_is_known = k.address_is_known;
        c.feed(c1);
        c.feed(Bytes{});
        EXPECT_EQ(c.said(), k.said) << testing::PrintToString(k.methods.allowed);
    }
}

TEST(SessionMachineHandshake, IgnoresBytesBehindTheNulOfAMethod) {
    Conversation c;
    c.feed(connect_bytes("x"));
    Bytes choice = auth_bytes();
    choice[5] = std::byte{'y'};
    c.feed(choice);
    EXPECT_EQ(c.machine().phase(), SessionPhase::kOpen);
}

TEST(SessionMachineHandshake, WithoutAnyMethodRejectsRightBehindTheEmptyList) {
    const AuthMethods none{.allowed = {}, .required = {}};
    Conversation c(none);
    c.feed(connect_bytes("x"));
    EXPECT_THAT(c.said(), testing::ElementsAre("name x", "D1 00", "reject -9"));
}

TEST(SessionMachineHandshake, IgnoresEverythingAfterAReject) {
    Conversation c;
    c.feed(from_hex("0209"));
    c.feed(concat({connect_bytes("x"), auth_bytes()}));
    EXPECT_THAT(c.said(), SizeIs(1));
}

}  // namespace
}  // namespace spread::session
