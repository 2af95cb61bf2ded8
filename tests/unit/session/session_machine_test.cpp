#include "daemon/session/session_machine.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/session/client_bytes.hpp"

namespace spread::session {
namespace {

using namespace std::string_literals;
using protocol::RejectCode;
using protocol::SessionHeader;
using testing::HasSubstr;
using testing::SizeIs;

const AuthMethods kNullOnly;

/// A machine and what it said, one line per step, easy to compare.
class Conversation {
  public:
    explicit Conversation(const AuthMethods& methods = kNullOnly) : machine_(methods) {}

    /// What the caller of the machine knows: the right address, the right password, who may enter.
    bool address_is_known = true;
    std::string right_password = "secret";
    bool is_admitted = true;

    /// Feeds `bytes` in pieces of at most `piece` bytes, each in a buffer of its own.
    void feed(Bytes bytes, std::size_t piece = SIZE_MAX) {
        std::size_t position = 0;
        while (position < bytes.size()) {
            const std::size_t count = std::min(piece, bytes.size() - position);
            feed(slice_of(std::span(bytes).subspan(position, count)));
            position += count;
        }
    }

    void feed(protocol::Slice input) {
        for (;;) {
            SessionStep step = machine_.next(input);
            if (std::holds_alternative<NeedBytes>(step)) {
                EXPECT_EQ(input.length, 0U) << "all input is used";
                return;
            }
            if (const auto* multicast = std::get_if<Multicast>(&step)) {
                frames_.push_back(multicast->frame);
            }
            said_.push_back(describe(step));
            if (std::holds_alternative<AddressAsked>(step)) {
                machine_.answer(address_is_known);
            } else if (const auto* proof = std::get_if<PasswordAsked>(&step)) {
                machine_.answer(proof->password == right_password);
            } else if (std::holds_alternative<AdmissionAsked>(step)) {
                said_.pop_back();  // always asked; the tests look at what comes of it
                machine_.answer(is_admitted);
            }
            if (const auto* asked = std::get_if<NameAsked>(&step)) {
                machine_.grant_name(protocol::NameField(
                    protocol::make_private_group(asked->request.private_name, "d1")));
            }
        }
    }

    [[nodiscard]] const std::vector<std::string>& said() const { return said_; }
    [[nodiscard]] const std::string& last() const { return said_.back(); }
    [[nodiscard]] const std::vector<protocol::Message>& frames() const { return frames_; }
    [[nodiscard]] Bytes frame_bytes(std::size_t index) const { return bytes_of(frames_[index]); }
    [[nodiscard]] const SessionMachine& machine() const { return machine_; }
    void forget() { said_.clear(); }

  private:
    static std::string describe(const SessionStep& step) {
        struct Describe {
            std::string operator()(const NeedBytes&) const { return "need"; }
            std::string operator()(const NameAsked& s) const {
                return "name " + s.request.private_name;
            }
            std::string operator()(const AuthListDue& s) const { return "D1 " + to_hex(s.bytes); }
            std::string operator()(const AddressAsked&) const { return "address?"; }
            std::string operator()(const PasswordAsked& s) const {
                return "password? " + s.user + ":" + s.password;
            }
            std::string operator()(const VerdictDue& s) const {
                return "verdict " + to_hex(s.bytes);
            }
            std::string operator()(const AdmissionAsked&) const { return "admission?"; }
            std::string operator()(const Accepted& s) const { return "D2 " + to_hex(s.bytes); }
            std::string operator()(const Rejected& s) const {
                return "reject " + std::to_string(static_cast<int>(s.code));
            }
            std::string operator()(const Multicast& s) const {
                return (s.service == protocol::Service::kSafe ? "safe " : "agreed ") +
                       to_hex(bytes_of(s.frame));
            }
            std::string operator()(const Requested& s) const {
                return std::visit(Describe{}, s.request);
            }
            std::string operator()(const protocol::JoinRequest& s) const {
                return "join " + protocol::escaped(s.group.view());
            }
            std::string operator()(const protocol::LeaveRequest& s) const {
                return "leave " + protocol::escaped(s.group.view());
            }
            std::string operator()(const protocol::KillRequest&) const { return "kill"; }
            std::string operator()(const Illegal& s) const { return "illegal: " + s.detail; }
        };
        return std::visit(Describe{}, step);
    }

    SessionMachine machine_;
    std::vector<std::string> said_;
    std::vector<protocol::Message> frames_;
};

/// "tst" on d1, past its handshake.
Conversation opened() {
    Conversation c;
    c.feed(connect_bytes("tst"));
    c.feed(auth_bytes());
    EXPECT_EQ(c.machine().phase(), SessionPhase::kOpen);
    c.forget();
    return c;
}

// ---- Handshake ----

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

Bytes choice_bytes(const std::vector<std::string>& methods) {
    const auto choice = protocol::encode_auth_choice(methods);
    return {choice.begin(), choice.end()};
}

Bytes proof_bytes(std::string_view user, std::string_view password) {
    const auto proof = protocol::encode_password_proof(user, password);
    return {proof.begin(), proof.end()};
}

constexpr std::string_view kD2 = "D2 01050001052378236431";

// client protocol 3.3, operations 5: the chosen methods, then the required ones not chosen
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

// client protocol 3.4
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

// client protocol 3.1: libraries before 3.16 are not asked
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

// ---- Requests ----

TEST(SessionMachineRequests, AMulticastComesOutExactlyAsSent) {
    Conversation c = opened();
    const Bytes sent = from_hex(
        "900000802374737423643100000000000000000000000000000000000000000000000000010000008001008005"
        "000000237473742364310000000000000000000000000000000000000000000000000070726f6265");
    c.feed(sent);
    ASSERT_THAT(c.frames(), SizeIs(1));
    EXPECT_EQ(c.frame_bytes(0), sent);
}

TEST(SessionMachineRequests, SafeMessagesTravelSafeAllOthersAgreed) {
    for (const std::uint32_t type :
         {protocol::kUnreliableMess, protocol::kReliableMess, protocol::kFifoMess,
          protocol::kCausalMess, protocol::kAgreedMess, protocol::kSafeMess}) {
        Conversation c = opened();
        c.feed(multicast_bytes({"room"}, "x", type));
        EXPECT_THAT(c.last(), testing::StartsWith(type == protocol::kSafeMess ? "safe" : "agreed"));
    }
}

TEST(SessionMachineRequests, AWholeMulticastSharesTheReadBuffer) {
    Conversation c = opened();
    const protocol::Slice input =
        slice_of(concat({multicast_bytes({"a"}, "first"), multicast_bytes({"b", "c"}, "second")}));
    c.feed(input);
    ASSERT_THAT(c.frames(), SizeIs(2));
    EXPECT_EQ(&*c.frames()[0].slice(0).buffer, &*input.buffer);
    EXPECT_EQ(c.frames()[0].slice(0).offset, input.offset);
    EXPECT_EQ(&*c.frames()[1].slice(0).buffer, &*input.buffer);
    EXPECT_EQ(c.frames()[1].slice(0).offset, input.offset + c.frames()[0].size());
}

TEST(SessionMachineRequests, AMulticastInPiecesIsPutTogetherInABufferOfItsSize) {
    const Bytes sent = multicast_bytes({"room"}, std::string(20000, 'x'));
    for (const std::size_t piece : {1U, 47U, 48U, 49U, 80U, 4096U, 19999U}) {
        Conversation c = opened();
        c.feed(sent, piece);
        ASSERT_THAT(c.frames(), SizeIs(1)) << piece;
        EXPECT_EQ(c.frame_bytes(0), sent);
        EXPECT_EQ(c.frames()[0].slice(0).buffer->capacity(), sent.size());
        EXPECT_EQ(c.machine().assembly_bytes(), 0U);
    }
}

TEST(SessionMachineRequests, AnyFragmentationSaysTheSame) {
    const Bytes all =
        concat({join_bytes("room"), multicast_bytes({"room"}, "one"), multicast_bytes({}, ""),
                multicast_bytes({"a", "b"}, "two"), leave_bytes("room"),
                request_bytes(protocol::kJoinMess, {"x", "y"}, "body"),
                multicast_bytes({"room"}, std::string(300, 'z')), kill_bytes()});
    Conversation whole = opened();
    whole.feed(all);
    EXPECT_THAT(whole.said(), SizeIs(8));
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        Conversation c = opened();
        c.feed(all, piece);
        ASSERT_EQ(c.said(), whole.said()) << "pieces of " << piece;
    }
    for (std::size_t cut = 1; cut < all.size(); ++cut) {
        Conversation c = opened();
        c.feed(Bytes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(cut)));
        c.feed(Bytes(all.begin() + static_cast<std::ptrdiff_t>(cut), all.end()));
        ASSERT_EQ(c.said(), whole.said()) << "cut at " << cut;
    }
}

TEST(SessionMachineRequests, NothingHappensBeforeAMessageIsWhole) {
    for (const Bytes& sent : {multicast_bytes({"room"}, "hello"), join_bytes("room"),
                              leave_bytes("room"), kill_bytes()}) {
        for (std::size_t size = 0; size < sent.size(); ++size) {
            Conversation c = opened();
            c.feed(Bytes(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(size)));
            EXPECT_THAT(c.said(), SizeIs(0)) << size;
        }
    }
}

TEST(SessionMachineRequests, AnnouncingALargeMessageHoldsLittleMemory) {
    Conversation c = opened();
    const Bytes sent = multicast_bytes({"room"}, std::string(143968, 'x'));
    ASSERT_EQ(sent.size(), protocol::kSessionFrameMax);
    std::size_t fed = 0;
    for (const std::size_t piece : {48U, 1U, 5000U, 20000U, 60000U}) {
        c.feed(Bytes(sent.begin() + static_cast<std::ptrdiff_t>(fed),
                     sent.begin() + static_cast<std::ptrdiff_t>(fed + piece)));
        fed += piece;
        EXPECT_LE(c.machine().assembly_bytes(), std::max<std::size_t>(4096, 2 * fed)) << fed;
    }
}

TEST(SessionMachineRequests, LargestMessagesPassWholeAndInPieces) {
    const std::vector<std::string> hundred(100, "group");
    for (const Bytes& sent :
         {multicast_bytes({"room"}, std::string(143968, 'x')),
          multicast_bytes({}, std::string(144000, 'x')),
          multicast_bytes(hundred, std::string(140800, 'x')), multicast_bytes(hundred, "")}) {
        for (const std::size_t piece : {std::size_t{SIZE_MAX}, std::size_t{65536}}) {
            Conversation c = opened();
            c.feed(sent, piece);
            ASSERT_THAT(c.frames(), SizeIs(1));
            EXPECT_EQ(c.frame_bytes(0), sent);
        }
    }
}

TEST(SessionMachineRequests, ABigEndianClientsHeaderTurnsLittleEndian) {
    SessionHeader header = header_for(protocol::kAgreedMess, 1, 5);
    header.order = protocol::ByteOrder::kBig;
    header.hint = protocol::make_hint(0x1234, protocol::ByteOrder::kBig);
    const Bytes big = message_bytes(header, {"room"}, "hello");
    header.order = protocol::ByteOrder::kLittle;
    const Bytes little = message_bytes(header, {"room"}, "hello");  // hint still big-endian
    for (const std::size_t piece : {std::size_t{SIZE_MAX}, std::size_t{1}}) {
        Conversation c = opened();
        c.feed(big, piece);
        ASSERT_THAT(c.frames(), SizeIs(1));
        EXPECT_EQ(c.frame_bytes(0), little);
    }
}

TEST(SessionMachineRequests, ABigEndianClientJoinsLeavesAndQuits) {
    Conversation c = opened();
    for (const std::uint32_t type :
         {protocol::kJoinMess, protocol::kLeaveMess, protocol::kKillMess}) {
        SessionHeader header = header_for(type, 1, 0);
        header.order = protocol::ByteOrder::kBig;
        c.feed(message_bytes(header, {"room"}, ""));
    }
    EXPECT_THAT(c.said(), testing::ElementsAre("join room", "leave room", "kill"));
}

TEST(SessionMachineRequests, Byte31OfTheSenderIsForcedToZero) {
    Conversation c = opened();
    Bytes sent = multicast_bytes({"room"}, "x");
    sent[20] = std::byte{0xee};
    sent[35] = std::byte{0xee};
    Bytes expected = sent;
    expected[35] = std::byte{0};
    c.feed(sent);
    c.feed(sent, 7);
    ASSERT_THAT(c.frames(), SizeIs(2));
    EXPECT_EQ(c.frame_bytes(0), expected);
    EXPECT_EQ(c.frame_bytes(1), expected);
}

TEST(SessionMachineRequests, OnlyTheFirstGroupOfAJoinOrLeaveCounts) {
    Conversation c = opened();
    c.feed(request_bytes(protocol::kJoinMess, {"one", "two", "three"}, "ignored body"));
    c.feed(request_bytes(protocol::kLeaveMess, {"one", "two"}, "ignored body"));
    c.feed(join_bytes("next"));
    EXPECT_THAT(c.said(), testing::ElementsAre("join one", "leave one", "join next"));
}

TEST(SessionMachineRequests, JoinsEveryNameStockJoins) {
    Conversation c = opened();
    for (const std::string& name :
         {"#tst#d1"s, ""s, "sp ace"s, "\xc3\xa9\x01"s, "room\0garbage"s, std::string(31, 'g')}) {
        c.feed(join_bytes(name));
    }
    EXPECT_THAT(c.said(),
                testing::ElementsAre("join #tst#d1", "join ", "join sp ace", "join \\xc3\\xa9\\x01",
                                     "join room", "join " + std::string(31, 'g')));
}

TEST(SessionMachineRequests, ANameWithoutNulCannotBeJoinedOrLeft) {
    for (const Bytes& sent :
         {join_bytes(std::string(32, 'g')), leave_bytes(std::string(32, '\n'))}) {
        Conversation c = opened();
        c.feed(concat({sent, join_bytes("room")}));
        ASSERT_THAT(c.said(), SizeIs(1));
        EXPECT_THAT(c.last(), HasSubstr("without a NUL"));
        EXPECT_EQ(c.last().find('\n'), std::string::npos);
    }
}

TEST(SessionMachineRequests, JoinAndLeaveMustNameAGroup) {
    for (const std::uint32_t type : {protocol::kJoinMess, protocol::kLeaveMess}) {
        Conversation c = opened();
        c.feed(request_bytes(type, {}, ""));
        EXPECT_THAT(c.last(), HasSubstr("without a group"));
    }
}

TEST(SessionMachineRequests, KillNeedsNoGroupAndEndsTheConversation) {
    for (const Bytes& kill : {kill_bytes(), request_bytes(protocol::kKillMess, {}, ""),
                              request_bytes(protocol::kKillMess, {"a", "b"}, "body")}) {
        Conversation c = opened();
        c.feed(concat({kill, multicast_bytes({"room"}, "too late")}));
        EXPECT_THAT(c.said(), testing::ElementsAre("kill"));
        c.feed(multicast_bytes({"room"}, "too late"));
        EXPECT_THAT(c.said(), SizeIs(1));
    }
}

struct IllegalHeader {
    std::string_view what;
    SessionHeader header;
    std::string_view why;
};

SessionHeader with(SessionHeader header, void (*change)(SessionHeader&)) {
    change(header);
    return header;
}

std::vector<IllegalHeader> illegal_headers() {
    using namespace protocol;
    const SessionHeader good = header_for(kAgreedMess, 1, 5);
    constexpr auto kServiceText = "exactly one service";
    constexpr auto kBitsText = "no client may set";
    return {
        {"no service", header_for(0, 1, 5), kServiceText},
        {"self discard alone", header_for(kSelfDiscard, 1, 5), kServiceText},
        {"two services", header_for(kFifoMess | kAgreedMess, 1, 5), kServiceText},
        {"unreliable and reliable", header_for(0x3, 1, 5), kServiceText},
        {"agreed and join", header_for(kAgreedMess | kJoinMess, 1, 0), kServiceText},
        {"join and leave", header_for(kJoinMess | kLeaveMess, 1, 0), kServiceText},
        {"join and kill", header_for(kJoinMess | kKillMess, 1, 0), kServiceText},
        {"forged membership", header_for(0x1110, 1, 5), kBitsText},
        {"forged groups", header_for(0x80010, 1, 5), kBitsText},
        {"forged reject", header_for(0x400010, 1, 5), kBitsText},
        {"forged transition", header_for(0x2010, 1, 5), kBitsText},
        {"internal bit", header_for(0x4010, 1, 5), kBitsText},
        {"high bit", header_for(0x20000010, 1, 5), kBitsText},
        {"malformed sender",
         with(good, [](SessionHeader& h) { h.private_group_name = NameField("tst"); }),
         "not a private group"},
        {"sender of another daemon",
         with(good, [](SessionHeader& h) { h.private_group_name = NameField("#tst#d2"); }),
         "another daemon"},
        {"sender of another session",
         with(good, [](SessionHeader& h) { h.private_group_name = NameField("#tstx#d1"); }),
         "another session"},
        {"negative groups", header_for(kAgreedMess, -1, 5), "group count"},
        {"101 groups", header_for(kAgreedMess, 101, 5), "group count"},
        {"hint high", with(good, [](SessionHeader& h) { h.hint[3] = std::byte{0x81}; }), "hint"},
        {"hint low", with(good, [](SessionHeader& h) { h.hint[0] = std::byte{0x81}; }), "hint"},
        {"negative length", header_for(kAgreedMess, 1, -1), "body length"},
        {"length over limit", header_for(kAgreedMess, 1, 144001), "body length"},
        {"sum over limit", header_for(kAgreedMess, 1, 143969), "exceed 144000"},
        {"sum over limit of a join", header_for(kJoinMess, 100, 140801), "exceed 144000"},
    };
}

TEST(SessionMachineRequests, EveryIllegalHeaderEndsTheSessionAtItsLastByte) {
    for (const IllegalHeader& k : illegal_headers()) {
        for (const auto order : {protocol::ByteOrder::kLittle, protocol::ByteOrder::kBig}) {
            for (const std::size_t piece : {std::size_t{48}, std::size_t{1}}) {
                SessionHeader header = k.header;
                header.order = order;
                const Bytes sent = message_bytes(header, {}, "");
                Conversation c = opened();
                c.feed(Bytes(sent.begin(), sent.end() - 1), piece);
                EXPECT_THAT(c.said(), SizeIs(0)) << k.what;
                c.feed(Bytes(sent.end() - 1, sent.end()));
                ASSERT_THAT(c.said(), SizeIs(1)) << k.what;
                EXPECT_THAT(c.last(), HasSubstr(k.why)) << k.what;
                EXPECT_EQ(c.machine().phase(), SessionPhase::kDone);
            }
        }
    }
}

TEST(SessionMachineRequests, OneEndianBitWithoutTheOtherEndsTheSession) {
    for (const std::string_view type : {"90000000", "10000080", "00000090", "80000010"}) {
        Bytes sent = multicast_bytes({"room"}, "hello");
        std::ranges::copy(from_hex(type), sent.begin());
        Conversation c = opened();
        c.feed(sent);
        EXPECT_THAT(c.last(), testing::StartsWith("illegal")) << type;
    }
}

TEST(SessionMachineRequests, ClientTextInAComplaintIsEscaped) {
    SessionHeader header = header_for(protocol::kAgreedMess, 1, 5);
    header.private_group_name = protocol::NameField("\x1b[31m\n\xff");
    Conversation c = opened();
    c.feed(message_bytes(header, {}, ""));
    EXPECT_THAT(c.last(), HasSubstr("\\x1b[31m\\x0a\\xff"));
    EXPECT_TRUE(std::ranges::all_of(c.last(), [](char b) { return b >= ' ' && b <= '~'; }));
}

TEST(SessionMachineRequests, DestinationsAndBodyPassUnchecked) {
    Conversation c = opened();
    const Bytes sent = multicast_bytes(
        {"#alice", "##d1", "", std::string(32, '\xff'), "room\0junk"s}, "\0\xff body"s,
        protocol::kFifoMess | protocol::kSelfDiscard | protocol::kDropRecv);
    c.feed(sent);
    ASSERT_THAT(c.frames(), SizeIs(1));
    EXPECT_EQ(c.frame_bytes(0), sent);
}

}  // namespace
}  // namespace spread::session
