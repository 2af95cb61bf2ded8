// Clients that speak TLS, over the C++ library, with certificates made for each test.

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spread/session.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/next_event.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_ring.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using support::Authority;
using support::CertificateWish;
using support::next_event;
using support::TestRing;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr auto kPast = -std::chrono::hours(1);

/// A ring on loopback whose daemons have a certificate for their addresses and for
/// "daemon.example".
class TlsTest : public testing::Test {
  protected:
    TlsTest() {
        write_file("ca.crt", authority_.certificate());
        write_daemon_pair("daemon.example");
        certificate_of("alice");
    }

    void write_file(const std::string& name, const std::string& text) {
        std::ofstream(path(name)) << text;
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return (directory_.path() / name).string();
    }
    void write_daemon_pair(const std::string& name,
                           std::chrono::seconds ends = std::chrono::hours(1)) {
        authority_
            .sign({.common_name = "the daemon",
                   .alternatives = {"DNS:" + name, "IP:127.0.0.1", "IP:127.0.0.2"},
                   .begins = -std::chrono::hours(2),
                   .ends = ends})
            .write(directory_.path(), "daemon");
    }
    void certificate_of(const std::string& name) {
        authority_.sign({.common_name = name}).write(directory_.path(), name);
    }

    /// `mode` of ClientTLS.
    void start(const std::string& mode, const std::string& more = "", std::size_t daemons = 1) {
        TestRing::Options ring;
        ring.loopback = true;
        ring.extra_options = "ClientTLS = " + mode + "\nTLSCertificateFile = \"" +
                             path("daemon.crt") + "\"\nTLSKeyFile = \"" + path("daemon.key") +
                             "\"\n" + more;
        ring_.emplace(daemons, ring);
        for (std::size_t i = 0; i < daemons; ++i) {
            ring_->daemon(i).wait_logged("ready: serving clients");
        }
    }
    void start_with_client_ca(const std::string& mode, const std::string& more = "") {
        start(mode, "TLSClientCAFile = \"" + path("ca.crt") + "\"\n" + more);
    }
    [[nodiscard]] support::DaemonProcess& daemon() { return ring_->daemon(0); }
    [[nodiscard]] std::string address(std::size_t index = 0) {
        return std::to_string(ring_->daemon(index).port()) + "@" +
               ring_->daemon(index).spec().address;
    }
    [[nodiscard]] Options options(const std::string& name) {
        Options options;
        options.servers = {address()};
        options.private_name = name;
        options.connect_timeout = support::kPatience;
        return options;
    }
    [[nodiscard]] Tls tls() const {
        Tls tls;
        tls.ca_file = path("ca.crt");
        return tls;
    }
    [[nodiscard]] Tls tls_as(const std::string& name) const {
        Tls tls = this->tls();
        tls.certificate_file = path(name + ".crt");
        tls.key_file = path(name + ".key");
        return tls;
    }
    [[nodiscard]] Result<Session> try_connect(const std::string& name, std::optional<Tls> tls) {
        Options wanted = options(name);
        wanted.tls = std::move(tls);
        return Session::connect(wanted);
    }
    [[nodiscard]] Session connect(const std::string& name, std::optional<Tls> tls) {
        auto session = try_connect(name, std::move(tls));
        if (!session) {
            throw std::runtime_error(session.error().text + "\n" + ring_->logs());
        }
        return std::move(*session);
    }
    [[nodiscard]] Error refusal_of(const std::string& name, std::optional<Tls> tls) {
        auto session = try_connect(name, std::move(tls));
        return session ? Error{ErrorCode::kTimedOut, "it was let in"} : session.error();
    }
    /// The daemon says `why` in its log, which leaves out some of many lines.
    void expect_refusal(const std::string& name, const std::optional<Tls>& tls,
                        const std::string& why) {
        const support::Deadline deadline(support::kPatience);
        do {
            const Error refused = refusal_of(name, tls);
            ASSERT_EQ(refused.code, ErrorCode::kRejectAuth) << refused.text;
            std::this_thread::sleep_for(std::chrono::milliseconds(110));
        } while (daemon().log().find(why) == std::string::npos && !deadline.passed());
        EXPECT_THAT(daemon().log(), HasSubstr(why));
    }
    [[nodiscard]] support::RawConnection raw() {
        return support::RawConnection::tcp(daemon().spec().address, daemon().port());
    }

    Authority authority_{"test authority"};
    support::TempDir directory_;
    std::optional<TestRing> ring_;
};

/// A message of `from` reaches `to`, and one back.
void exchange(Session& from, Session& to) {
    ASSERT_TRUE(from.multicast(Service::kAgreed, to.private_group(), "there"));
    EXPECT_EQ(next_event<Message>(to).text(), "there");
    ASSERT_TRUE(to.multicast(Service::kAgreed, from.private_group(), "and back"));
    EXPECT_EQ(next_event<Message>(from).text(), "and back");
}

/// `size` bytes that differ from one another, and with `seed`.
std::string pattern(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::string text(size, '\0');
    std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random()); });
    return text;
}

TEST_F(TlsTest, PlainAndEncryptedClientsShareThePort) {
    start("allow");
    Session alice = connect("alice", tls());
    Session bob = connect("bob", std::nullopt);
    exchange(alice, bob);
    daemon().wait_logged("TLS for clients: allow, certificate daemon.example, valid until");

    const Answer clients = spreadctl(daemon(), {"clients"});
    EXPECT_EQ(clients.status, 0);
    EXPECT_THAT(clients.text, HasSubstr("TLSv1.3"));
    const Answer status = spreadctl(daemon(), {"--json", "status"});
    ASSERT_EQ(status.status, 0);
    const auto json = nlohmann::json::parse(status.text);
    EXPECT_EQ(json.at("tls").at("mode"), "allow");
    EXPECT_EQ(json.at("tls").at("certificate"), "daemon.example");
    EXPECT_EQ(json.at("counters").at("tls").at("handshakes"), 1);
    EXPECT_EQ(json.at("counters").at("tls").at("sessions"), 1);
}

TEST_F(TlsTest, RequireRefusesPlainTextByTcpOnly) {
    start("require");
    Session alice = connect("alice", tls());
    const Error refused = refusal_of("bob", std::nullopt);
    EXPECT_EQ(refused.code, ErrorCode::kRejectAuth) << refused.text;
    daemon().wait_logged("it speaks in plain text, and ClientTLS = require");
    Options local = options("carol");
    local.servers = {daemon().unix_socket().string()};
    local.tls = tls();  // does not concern Unix sockets
    auto carol = Session::connect(local);
    ASSERT_TRUE(carol) << carol.error().text;
    exchange(alice, *carol);
}

TEST_F(TlsTest, ADaemonWithoutTlsIsNamedAsSuch) {
    TestRing::Options ring;
    ring.loopback = true;
    ring_.emplace(1, ring);
    const Error refused = refusal_of("alice", tls());
    EXPECT_EQ(refused.code, ErrorCode::kCouldNotConnect);
    EXPECT_THAT(refused.text, HasSubstr("ClientTLS"));
}

TEST_F(TlsTest, ClientsRefuseACertificateThatIsNotTheDaemons) {
    start("allow");
    const Authority other("another authority");
    write_file("other.crt", other.certificate());
    Tls wanted = tls();
    wanted.ca_file = path("other.crt");
    EXPECT_EQ(refusal_of("alice", wanted).code, ErrorCode::kRejectAuth);
    EXPECT_THAT(refusal_of("alice", wanted).text, HasSubstr("the certificate does not pass"));
    daemon().wait_logged("TLS handshake failed");

    wanted = tls();
    wanted.server_name = "elsewhere.example";
    EXPECT_THAT(refusal_of("alice", wanted).text, HasSubstr("ostname mismatch"));
    wanted.server_name = "daemon.example";
    connect("alice", wanted).close();

    wanted.ca_file = path("absent.crt");
    EXPECT_THAT(refusal_of("alice", wanted).text, HasSubstr("absent.crt"));
}

TEST_F(TlsTest, ClientsRefuseACertificateThatHasExpired) {
    write_daemon_pair("daemon.example", kPast);
    start("allow");
    EXPECT_THAT(refusal_of("alice", tls()).text, HasSubstr("expired"));
    daemon().wait_logged("has expired on");
}

TEST_F(TlsTest, ClientsMustShowACertificateWhereTheirAuthorityIsNamed) {
    start_with_client_ca("require");
    Session alice = connect("alice", tls_as("alice"));
    expect_refusal("nobody", tls(), "peer did not return a certificate");
    const Authority other("another authority");
    other.sign({.common_name = "mallory"}).write(directory_.path(), "mallory");
    expect_refusal("mallory", tls_as("mallory"), "unable to get local issuer certificate");
    authority_.sign({.common_name = "old", .begins = -std::chrono::hours(2), .ends = kPast})
        .write(directory_.path(), "old");
    expect_refusal("old", tls_as("old"), "certificate has expired");

    const Answer clients = spreadctl(daemon(), {"clients"});
    EXPECT_EQ(clients.status, 0);
    EXPECT_THAT(clients.text, HasSubstr("(certificate alice)"));
}

TEST_F(TlsTest, RulesGoByTheNameInTheCertificate) {
    const auto rules = directory_.write("rules",
                                        "allow connect tls:ali*\n"
                                        "allow join tls:alice room\n"
                                        "allow send tls:alice *\n"
                                        "default deny\n");
    certificate_of("bob");
    authority_.sign({.common_name = "hidden", .alternatives = {"DNS:alice.example"}})
        .write(directory_.path(), "alice.example");
    start_with_client_ca(
        "allow", "AccessControlPolicy = RULES\nAccessRulesFile = \"" + rules.string() + "\"\n");
    // The private name plays no part.
    Session alice = connect("someone", tls_as("alice"));
    ASSERT_TRUE(alice.join("room"));
    EXPECT_THAT(next_event<Membership>(alice).members, ElementsAre("#someone#d1"));
    EXPECT_EQ(refusal_of("alice", tls_as("bob")).code, ErrorCode::kRejectAuth);
    EXPECT_EQ(refusal_of("alice", std::nullopt).code, ErrorCode::kRejectAuth);
    Session other = connect("other", tls_as("alice.example"));
    ASSERT_TRUE(other.join("room"));
    EXPECT_EQ(next_event<Rejected>(other).request, Rejected::Request::kJoin);
}

TEST_F(TlsTest, SlowHandshakesHoldUpNobody) {
    start("allow", "HandshakeTimeout = 4000\n");
    const support::Bytes begun = support::bytes_of_hex("1603010200010001fc0303");
    std::vector<support::RawConnection> slow;
    for (int i = 0; i < 200; ++i) {  // more than one place may have under way
        slow.push_back(raw());
        slow.back().send(std::span(begun).first(1 + static_cast<std::size_t>(i) % begun.size()));
    }
    Session plain = connect("plain", std::nullopt);
    Session alice = connect("alice", tls());
    exchange(alice, plain);
    for (auto& each : slow) {
        each.expect_end();
    }
    daemon().wait_logged("handshake not finished within 4 s");
    exchange(alice, plain);
}

TEST_F(TlsTest, GarbageBehindTheFirstByteEndsThatClientOnly) {
    start("allow");
    Session alice = connect("alice", tls());
    Session bob = connect("bob", std::nullopt);
    for (unsigned seed = 0; seed < 60; ++seed) {
        std::string text = pattern(1 + seed * 40, seed);
        text[0] = '\x16';
        if (seed % 3 == 0) {  // a header that passes, and what does not belong behind it
            text.replace(0, std::min<std::size_t>(text.size(), 5), "\x16\x03\x01\x00\x40", 5);
        }
        support::RawConnection connection = raw();
        connection.send_if_open(std::as_bytes(std::span(text)));
        connection.finish_sending();
        connection.drain();
    }
    exchange(alice, bob);
    daemon().wait_logged("TLS handshake failed");
}

TEST_F(TlsTest, FilesAreReadAgainWhileItRuns) {
    start("require");
    Session alice = connect("alice", tls());
    write_daemon_pair("second.example");
    daemon().process().signal(SIGHUP);
    daemon().wait_logged("read again: TLS for clients: require, certificate second.example");
    Tls wanted = tls();
    wanted.server_name = "second.example";
    Session bob = connect("bob", wanted);
    exchange(alice, bob);

    write_file("daemon.crt", "no certificate at all\n");
    daemon().process().signal(SIGHUP);
    daemon().wait_logged("holds no certificate in PEM; what was read before stays in use");
    Session carol = connect("carol", wanted);
    exchange(bob, carol);

    write_daemon_pair("third.example");  // and nobody says so
    daemon().wait_logged("read again: TLS for clients: require, certificate third.example");
    wanted.server_name = "third.example";
    Session dave = connect("dave", wanted);
    exchange(alice, dave);
}

TEST_F(TlsTest, SessionsStayWhenTheCertificateIsReplaced) {
    start("require");
    std::vector<Session> sessions;
    for (int i = 0; i < 50; ++i) {
        sessions.push_back(connect("user" + std::to_string(i), tls()));
        ASSERT_TRUE(sessions.back().join("room"));
    }
    write_daemon_pair("second.example");  // and nobody says so
    daemon().wait_logged("read again: TLS for clients: require, certificate second.example");
    Tls wanted = tls();
    wanted.server_name = "second.example";
    Session late = connect("late", wanted);
    wanted.server_name = "daemon.example";
    EXPECT_THAT(refusal_of("early", wanted).text, HasSubstr("ostname mismatch"));
    ASSERT_TRUE(late.multicast(Service::kAgreed, "room", "all here?"));
    for (Session& each : sessions) {
        EXPECT_EQ(next_event<Message>(each).text(), "all here?");
        ASSERT_TRUE(each.multicast(Service::kAgreed, late.private_group(), "here"));
    }
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        EXPECT_EQ(next_event<Message>(late).text(), "here");
    }
}

TEST_F(TlsTest, OpensslConnectsAndFindsTheChainGood) {
    start("require");
    support::ChildProcess client(
        {.command = {"openssl", "s_client", "-connect",
                     daemon().spec().address + ":" + std::to_string(daemon().port()), "-CAfile",
                     path("ca.crt"), "-verify_return_error", "-verify_hostname", "daemon.example",
                     "-brief"},
         .output = directory_.path() / "s_client.txt",
         .input = "",
         .directory = {}});
    if (client.wait_exit() == 127) {
        GTEST_SKIP() << "NOT TESTED: there is no openssl here";
    }
    EXPECT_THAT(client.output(), HasSubstr("CONNECTION ESTABLISHED"));
    EXPECT_THAT(client.output(), HasSubstr("Protocol version: TLSv1.3"));
    EXPECT_THAT(client.output(), HasSubstr("Verification: OK"));
}

/// As docs/security.md has it for programs on the C libraries.
TEST_F(TlsTest, StocksClientsComeThroughStunnel) {
    if (!support::stock_directory()) {
        GTEST_SKIP() << "NOT TESTED: SPREAD_STOCK_DIR is not set, no stock programs to run";
    }
    start_with_client_ca("require");
    const std::uint16_t port = support::pick_port();
    const auto configuration = directory_.write(
        "stunnel.conf", "foreground = yes\npid =\n[spread]\nclient = yes\naccept = 127.0.0.1:" +
                            std::to_string(port) + "\nconnect = " + daemon().spec().address + ":" +
                            std::to_string(daemon().port()) + "\nCAfile = " + path("ca.crt") +
                            "\nverifyChain = yes\ncheckHost = daemon.example\ncert = " +
                            path("alice.crt") + "\nkey = " + path("alice.key") + "\n");
    support::ChildProcess stunnel({.command = {"stunnel4", configuration.string()},
                                   .output = directory_.path() / "stunnel.txt",
                                   .input = {},
                                   .directory = {}});
    support::wait_until("stunnel to listen, or to be missing", [&] {
        return !stunnel.is_running() ||
               stunnel.output().find("Configuration successful") != std::string::npos;
    });
    if (!stunnel.is_running() && stunnel.wait_exit() == 127) {
        GTEST_SKIP() << "NOT TESTED: there is no stunnel4 here (Debian package stunnel4)";
    }
    Session alice = connect("alice", tls_as("alice"));
    ASSERT_TRUE(alice.join("room"));
    support::ChildProcess user(
        {.command = {(*support::stock_directory() / "bin" / "spuser").string(), "-u", "stock", "-s",
                     std::to_string(port) + "@127.0.0.1"},
         .output = directory_.path() / "stock.txt",
         .input = "j room\ns room\nhello through a tunnel\nq\n",
         .directory = {}});
    EXPECT_EQ(user.wait_exit(), 0) << user.output() << stunnel.output();
    EXPECT_EQ(next_event<Message>(alice).text(), "hello through a tunnel\n");
    support::ChildProcess flooder(
        {.command = {(*support::stock_directory() / "bin" / "spflooder").string(), "-u", "flood",
                     "-m", "2000", "-b", "1000", "-s", std::to_string(port) + "@127.0.0.1"},
         .output = directory_.path() / "flooder.txt",
         .input = {},
         .directory = {}});
    EXPECT_EQ(flooder.wait_exit(std::chrono::minutes(2)), 0) << flooder.output();
    EXPECT_THAT(flooder.output(), HasSubstr("completed"));
}

TEST_F(TlsTest, LargeMessagesGoBothWaysAtOnce) {
    start("allow");
    Session alice = connect("alice", tls());
    Session bob = connect("bob", tls());
    constexpr unsigned kMessages = 40;
    const auto talk = [](Session& session, const std::string& to, unsigned seed) {
        for (unsigned i = 0; i < kMessages; ++i) {
            const std::size_t size = i % 2 == 0 ? 140'000 : 1 + std::size_t{i} * 997;
            if (!session.multicast(Service::kFifo, to, pattern(size, seed + i))) {
                return;
            }
        }
    };
    const auto listen = [](Session& session, unsigned seed) {
        for (unsigned i = 0; i < kMessages; ++i) {
            const std::size_t size = i % 2 == 0 ? 140'000 : 1 + std::size_t{i} * 997;
            ASSERT_EQ(next_event<Message>(session).text(), pattern(size, seed + i)) << i;
        }
    };
    std::thread alice_talks(talk, std::ref(alice), bob.private_group(), 1000U);
    std::thread bob_talks(talk, std::ref(bob), alice.private_group(), 2000U);
    std::thread alice_listens(listen, std::ref(alice), 2000U);
    listen(bob, 1000);
    alice_talks.join();
    bob_talks.join();
    alice_listens.join();
}

TEST_F(TlsTest, MessagesWaitForASlowReader) {
    start("allow");
    Session sender = connect("sender", tls());
    Session reader = connect("reader", tls());
    constexpr unsigned kMessages = 300;
    // Much more than the buffers of its socket hold.
    for (unsigned i = 0; i < kMessages; ++i) {
        ASSERT_TRUE(sender.multicast(Service::kFifo, reader.private_group(), pattern(100'000, i)));
    }
    for (unsigned i = 0; i < kMessages; ++i) {
        ASSERT_EQ(next_event<Message>(reader).text(), pattern(100'000, i)) << i;
    }
    exchange(reader, sender);
}

TEST_F(TlsTest, AReaderThatNeverReadsIsDropped) {
    start("allow", "MaxSessionMessages = 50\n");
    Session sender = connect("sender", tls());
    Session reader = connect("reader", tls());
    for (unsigned i = 0; i < 400; ++i) {
        ASSERT_TRUE(sender.multicast(Service::kFifo, reader.private_group(), pattern(100'000, i)));
    }
    daemon().wait_logged("reads too slowly");
    EXPECT_FALSE(next_event<Disconnected>(reader).will_reconnect);
}

TEST_F(TlsTest, TheLibraryReconnectsByTls) {
    start("require", "", 2);
    Options wanted = options("alice");
    wanted.servers = {address(0), address(1)};
    wanted.tls = tls();
    wanted.reconnect.emplace();
    auto alice = Session::connect(wanted);
    ASSERT_TRUE(alice) << alice.error().text;
    ASSERT_TRUE(alice->join("room"));
    EXPECT_THAT(next_event<Membership>(*alice).members, ElementsAre("#alice#d1"));
    ring_->daemon(0).crash();
    EXPECT_TRUE(next_event<Disconnected>(*alice).will_reconnect);
    EXPECT_EQ(next_event<Reconnected>(*alice).private_group, "#alice#d2");
    EXPECT_THAT(next_event<Membership>(*alice).members, ElementsAre("#alice#d2"));
    exchange(*alice, *alice);
}

TEST_F(TlsTest, ProgramsSpeakTls) {
    start("require");
    support::ChildProcess user(
        {.command = {SPUSER_BINARY, "-s", address(), "-u", "alice", "--tls", path("ca.crt")},
         .output = directory_.path() / "user.txt",
         .input = "j room\ns room\nhello\n",
         .directory = {}});
    EXPECT_EQ(user.wait_exit(), 0) << user.output();
    EXPECT_THAT(user.output(), HasSubstr("hello"));
    support::ChildProcess refused({.command = {SPUSER_BINARY, "-s", address(), "-u", "alice"},
                                   .output = directory_.path() / "refused.txt",
                                   .input = "",
                                   .directory = {}});
    EXPECT_EQ(refused.wait_exit(), 3) << refused.output();
    support::ChildProcess bench(
        {.command = {SPBENCH_BINARY, "load", "-d", address(), "-m", "3000", "-b", "1350",
                     "--check-bodies", "--tls", path("ca.crt"), "--quiet"},
         .output = directory_.path() / "bench.txt",
         .input = {},
         .directory = {}});
    EXPECT_EQ(bench.wait_exit(), 0) << bench.output();
}

TEST_F(TlsTest, CheckLooksAtTheFiles) {
    const auto check = [&](const std::string& text) {
        const auto file = directory_.write("spread.conf", text);
        support::ChildProcess run(
            {.command = {support::daemon_binary().string(), "--check", "-c", file.string()},
             .output = directory_.path() / ("check" + std::to_string(text.size()) + ".txt"),
             .input = {},
             .directory = {}});
        const int status = run.wait_exit();
        return std::to_string(status) + ": " + run.output();
    };
    const std::string ring = "Spread_Segment 127.0.0.255:4803 {\n d1 127.0.0.1\n}\n";
    const std::string good = ring + "ClientTLS = require\nTLSCertificateFile = \"" +
                             path("daemon.crt") + "\"\nTLSKeyFile = \"" + path("daemon.key") +
                             "\"\n";
    EXPECT_THAT(check(good), StartsWith("0: "));
    EXPECT_THAT(check(ring + "ClientTLS = allow\n"), HasSubstr("ClientTLS needs"));
    std::filesystem::permissions(path("daemon.key"), std::filesystem::perms(0644));
    EXPECT_THAT(check(good + " "), HasSubstr("chmod"));
    std::filesystem::permissions(path("daemon.key"), std::filesystem::perms(0600));
    certificate_of("other");
    std::filesystem::rename(path("other.crt"), path("daemon.crt"));
    EXPECT_THAT(check(good + "  "), HasSubstr("is not the key of the certificate in"));
    write_daemon_pair("daemon.example", std::chrono::hours(24));
    EXPECT_THAT(check(good + "   "), HasSubstr("expires on"));
}

}  // namespace
}  // namespace spread::system_test
