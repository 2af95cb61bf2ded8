#include "client/connection.hpp"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstdlib>
#include <thread>

#include <gmock/gmock.h>

#include "scripted_daemon.hpp"

namespace spread::client {
namespace {

using testing::bytes_of;
using testing::ScriptedDaemon;
using testing::welcome;
using testing::operator+;
using ::testing::HasSubstr;

ConnectOptions alice() {
    ConnectOptions options;
    options.private_name = "alice";
    options.timeout = std::chrono::milliseconds(2000);
    return options;
}

TEST(Handshake, SaysWhoWeAreAndLearnsOurPrivateGroup) {
    ScriptedDaemon daemon;
    daemon.say(welcome());
    const auto connection = daemon.handshake(alice());
    ASSERT_TRUE(connection) << connection.error().text;
    EXPECT_EQ(connection->private_group.view(), "#alice#d1");
    EXPECT_EQ(connection->daemon_version, protocol::kPresentedVersion);

    const auto heard = daemon.heard();
    ASSERT_EQ(heard.size(), 10 + protocol::kAuthChoiceBytes);
    const auto opening = protocol::decode_connect(heard);
    ASSERT_TRUE(opening && *opening);
    EXPECT_EQ((*opening)->request.private_name, "alice");
    EXPECT_TRUE((*opening)->request.wants_membership());
    EXPECT_EQ((*opening)->bytes_used, 10U);
}

TEST(Handshake, MembershipsCanBeDeclined) {
    ScriptedDaemon daemon;
    daemon.say(welcome());
    auto options = alice();
    options.wants_membership = false;
    ASSERT_TRUE(daemon.handshake(options));
    EXPECT_FALSE((*protocol::decode_connect(daemon.heard()))->request.wants_membership());
}

TEST(Handshake, AcceptsAnswersOneByteAtATime) {
    ScriptedDaemon daemon;
    std::thread slow([&] {
        for (const std::byte byte : welcome()) {
            daemon.say({byte});
        }
    });
    const auto connection = daemon.handshake(alice());
    slow.join();
    ASSERT_TRUE(connection);
    EXPECT_EQ(connection->private_group.view(), "#alice#d1");
}

TEST(Handshake, KeepsMessagesThatCameWithTheAcceptance) {
    ScriptedDaemon daemon;
    daemon.say(welcome() + bytes_of("first message"));
    const auto connection = daemon.handshake(alice());
    ASSERT_TRUE(connection);
    EXPECT_EQ(connection->early_bytes, bytes_of("first message"));
}

TEST(Handshake, NamesTheReasonOfEachReject) {
    struct Case {
        int code;
        const char* words;
    };
    for (const auto& [code, words] :
         {Case{-3, "as many sessions"}, Case{-5, "user name"}, Case{-6, "taken"},
          Case{-7, "version"}, Case{-9, "authentication"}}) {
        for (const bool after_list : {false, true}) {
            ScriptedDaemon daemon;
            const std::array<std::string, 1> methods{"NULL"};
            daemon.say((after_list ? protocol::encode_auth_list(methods) : testing::Bytes{}) +
                       testing::Bytes{static_cast<std::byte>(code)});
            daemon.hang_up();
            const auto connection = daemon.handshake(alice());
            ASSERT_FALSE(connection);
            EXPECT_EQ(static_cast<int>(connection.error().code), code);
            EXPECT_THAT(connection.error().text, HasSubstr(words));
        }
    }
}

TEST(Handshake, ReportsADaemonThatHangsUp) {
    ScriptedDaemon daemon;
    daemon.hang_up();
    const auto connection = daemon.handshake(alice());
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, ErrorCode::kConnectionClosed);
}

TEST(Handshake, ReportsTruncationAtEveryByte) {
    const auto whole = welcome();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        ScriptedDaemon daemon;
        daemon.say({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
        shutdown(daemon.descriptor(), SHUT_WR);
        const auto connection = daemon.handshake(alice());
        ASSERT_FALSE(connection) << length;
        EXPECT_EQ(connection.error().code, ErrorCode::kConnectionClosed) << length;
    }
}

TEST(Handshake, GivesUpAtTheDeadline) {
    ScriptedDaemon daemon;
    auto options = alice();
    options.timeout = std::chrono::milliseconds(0);
    const auto connection = daemon.handshake(options);
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, ErrorCode::kTimedOut);
    EXPECT_THAT(connection.error().text, HasSubstr("authentication methods"));
}

TEST(Handshake, RefusesAnswersOfOtherPrograms) {
    for (const auto& answer :
         {bytes_of("HTTP/1.1 400 Bad Request\r\n\r\n" + std::string(100, 'x')),
          welcome("not-a-private-group"), welcome("#alice"), bytes_of(std::string(1, '\x5b'))}) {
        ScriptedDaemon daemon;
        daemon.say(answer);
        shutdown(daemon.descriptor(), SHUT_WR);
        EXPECT_FALSE(daemon.handshake(alice()));
    }
}

TEST(Handshake, SaysWhichMethodsTheDaemonOffersInstead) {
    ScriptedDaemon daemon;
    const std::array<std::string, 1> methods{"IP"};
    daemon.say(protocol::encode_auth_list(methods));
    const auto connection = daemon.handshake(alice());
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, ErrorCode::kRejectAuth);
    EXPECT_THAT(connection.error().text, HasSubstr("only: IP"));
}

ConnectOptions alice_with_login() {
    auto options = alice();
    options.login = {"carol", "geheim42"};
    return options;
}

TEST(Handshake, GivesUserAndPasswordAndLearnsTheVerdict) {
    const std::array<std::string, 2> methods{"NULL", "PWORD"};
    ScriptedDaemon daemon;
    daemon.say(protocol::encode_auth_list(methods) + protocol::encode_password_verdict(true) +
               protocol::encode_accept(protocol::kPresentedVersion, "#alice#d1"));
    const auto connection = daemon.handshake(alice_with_login());
    ASSERT_TRUE(connection) << connection.error().text;
    EXPECT_EQ(connection->private_group.view(), "#alice#d1");

    const auto heard = daemon.heard();
    ASSERT_EQ(heard.size(), 10 + protocol::kAuthChoiceBytes + protocol::kPasswordProofBytes);
    const auto choice = std::span(heard).subspan<10, protocol::kAuthChoiceBytes>();
    EXPECT_EQ(protocol::decode_auth_choice(choice), std::vector<std::string>{"PWORD"});
    const auto proof =
        protocol::decode_password_proof(std::span(heard).last<protocol::kPasswordProofBytes>());
    EXPECT_EQ(proof.user, "carol");
    EXPECT_EQ(proof.password, "geheim42");
}

TEST(Handshake, TellsAWrongPasswordFromARefusal) {
    const std::array<std::string, 1> methods{"PWORD"};
    const std::pair<testing::Bytes, const char*> answers[] = {
        {protocol::encode_password_verdict(false), "password is not the right one"},
        {testing::Bytes{std::byte{0xf7}}, "was refused"},
        {testing::Bytes{std::byte{2}}, "password is not the right one"},
    };
    for (const auto& [answer, words] : answers) {
        ScriptedDaemon daemon;
        daemon.say(protocol::encode_auth_list(methods) + answer);
        daemon.hang_up();
        const auto connection = daemon.handshake(alice_with_login());
        ASSERT_FALSE(connection);
        EXPECT_EQ(connection.error().code, ErrorCode::kRejectAuth);
        EXPECT_THAT(connection.error().text, HasSubstr(words));
    }
}

TEST(Handshake, SaysThatItWaitedForThePasswordToBeChecked) {
    const std::array<std::string, 1> methods{"PWORD"};
    ScriptedDaemon daemon;
    daemon.say(protocol::encode_auth_list(methods));
    auto options = alice_with_login();
    options.timeout = std::chrono::milliseconds(0);
    const auto connection = daemon.handshake(options);
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, ErrorCode::kTimedOut);
    EXPECT_THAT(connection.error().text, HasSubstr("check of the password"));
}

TEST(Handshake, ALoginGoesWithPwordAndFitsItsFields) {
    using Methods = std::vector<std::string>;
    const std::string long_user(33, 'u');
    const std::pair<std::optional<Login>, Methods> wrong[] = {
        {std::nullopt, {"PWORD"}},
        {Login{"carol", "geheim42"}, {"NULL"}},
        {std::nullopt, {"KERBEROS"}},
        {std::nullopt, {"NULL", "IP", "NULL", "IP"}},
        {Login{"carol", "geheim42"}, {"PWORD", "PWORD"}},
        {Login{"carol", "geheim423"}, {}},
        {Login{"carol", ""}, {}},
        {Login{"", "geheim42"}, {}},
        {Login{long_user, "geheim42"}, {}},
        {Login{std::string("a\0b", 3), "geheim42"}, {}},
    };
    for (const auto& [login, methods] : wrong) {
        ScriptedDaemon daemon;
        auto options = alice();
        options.login = login;
        options.auth_methods = methods;
        const auto connection = daemon.handshake(options);
        ASSERT_FALSE(connection);
        EXPECT_EQ(connection.error().code, ErrorCode::kRejectAuth);
        EXPECT_TRUE(daemon.heard().empty());
    }
}

TEST(Handshake, PicksTheMethodsItIsTold) {
    const std::array<std::string, 2> methods{"IP", "NULL"};
    ScriptedDaemon daemon;
    daemon.say(protocol::encode_auth_list(methods) +
               protocol::encode_accept(protocol::kPresentedVersion, "#alice#d1"));
    auto options = alice();
    options.auth_methods = {"IP"};
    ASSERT_TRUE(daemon.handshake(options));
    const auto heard = daemon.heard();
    EXPECT_EQ(protocol::decode_auth_choice(std::span(heard).last<protocol::kAuthChoiceBytes>()),
              std::vector<std::string>{"IP"});
}

TEST(Handshake, ChecksTheUserNameBeforeItIsSent) {
    for (const char* name : {"elevenbytes", "a b", "a#b", "\x7f"}) {
        ScriptedDaemon daemon;
        auto options = alice();
        options.private_name = name;
        const auto connection = daemon.handshake(options);
        ASSERT_FALSE(connection);
        EXPECT_EQ(connection.error().code, ErrorCode::kRejectIllegalName);
        EXPECT_TRUE(daemon.heard().empty());
    }
}

/// A listening socket of its own choosing of port or path, answering one connection.
class Listener {
  public:
    explicit Listener(int family) : family_(family), socket_(socket(family, SOCK_STREAM, 0)) {
        if (family == AF_UNIX) {
            directory_ = ::testing::TempDir() + "spread-client-XXXXXX";
            EXPECT_NE(mkdtemp(directory_.data()), nullptr);
            sockaddr_un name{};
            name.sun_family = AF_UNIX;
            address_ = directory_ + "/socket";
            address_.copy(name.sun_path, sizeof name.sun_path - 1);
            bind_to(&name, sizeof name);
        } else if (family == AF_INET) {
            sockaddr_in name{};
            name.sin_family = AF_INET;
            name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            bind_to(&name, sizeof name);
            address_ = port_of<sockaddr_in>(&sockaddr_in::sin_port) + "@127.0.0.1";
        } else {
            sockaddr_in6 name{};
            name.sin6_family = AF_INET6;
            name.sin6_addr = in6addr_loopback;
            bind_to(&name, sizeof name);
            address_ = port_of<sockaddr_in6>(&sockaddr_in6::sin6_port) + "@::1";
        }
        listening_ = listening_ && listen(socket_.get(), 1) == 0;
    }
    ~Listener() {
        if (family_ == AF_UNIX) {
            unlink(address_.c_str());
            rmdir(directory_.c_str());
        }
    }

    [[nodiscard]] bool listening() const { return listening_; }
    [[nodiscard]] const std::string& address() const { return address_; }
    void welcome_one() const {
        const FileDescriptor peer(accept(socket_.get(), nullptr, nullptr));
        const auto bytes = welcome();
        EXPECT_EQ(write(peer.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
        std::array<std::byte, 256> heard{};
        while (read(peer.get(), heard.data(), heard.size()) > 0) {
        }
    }

  private:
    void bind_to(void* name, socklen_t size) {
        listening_ = bind(socket_.get(), static_cast<sockaddr*>(name), size) == 0;
    }
    template <typename Name>
    std::string port_of(in_port_t Name::*port) const {
        Name name{};
        socklen_t size = sizeof name;
        void* generic = &name;
        EXPECT_EQ(getsockname(socket_.get(), static_cast<sockaddr*>(generic), &size), 0);
        return std::to_string(ntohs(name.*port));
    }

    int family_;
    FileDescriptor socket_;
    std::string directory_;
    std::string address_;
    bool listening_ = false;
};

class ConnectOver : public ::testing::TestWithParam<int> {};

TEST_P(ConnectOver, ReachesAListeningDaemon) {
    const Listener listener(GetParam());
    if (!listener.listening()) {
        GTEST_SKIP() << "this machine has no such address family";
    }
    std::thread daemon([&] { listener.welcome_one(); });
    auto options = alice();
    options.address = listener.address();
    {
        const auto connection = connect(options);
        EXPECT_TRUE(connection) << connection.error().text;
    }
    daemon.join();
}

std::string family_name(const ::testing::TestParamInfo<int>& family) {
    switch (family.param) {
        case AF_UNIX: return "Unix";
        case AF_INET: return "Ipv4";
        default: return "Ipv6";
    }
}

INSTANTIATE_TEST_SUITE_P(Families, ConnectOver, ::testing::Values(AF_UNIX, AF_INET, AF_INET6),
                         family_name);

TEST(Connect, SaysWhereNobodyListens) {
    auto options = alice();
    options.address = ::testing::TempDir() + "no-such-socket";
    const auto connection = connect(options);
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, ErrorCode::kCouldNotConnect);
    EXPECT_THAT(connection.error().text, HasSubstr("no-such-socket"));
    EXPECT_THAT(connection.error().text, HasSubstr("No such file"));
}

TEST(Connect, SaysWhichNetworkNamespaceIsMissing) {
    auto options = alice();
    options.address = "ns:no-such-namespace:4803@127.0.0.1";
    const auto connection = connect(options);
    ASSERT_FALSE(connection);
    EXPECT_EQ(connection.error().code, ErrorCode::kCouldNotConnect);
    EXPECT_THAT(connection.error().text, HasSubstr("/run/netns/no-such-namespace"));
}

}  // namespace
}  // namespace spread::client
