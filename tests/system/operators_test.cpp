// Who may look and change, what strangers learn, and that nothing listens that nobody asked for.

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/admin_page.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/raw_connection.hpp"
#include "tests/support/read_file.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_ring.hpp"
#include "tests/support/times_in.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using support::RawConnection;
using support::TestRing;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// TCP ports at which process `process` listens.
std::set<unsigned> listening_ports(pid_t process) {
    std::set<std::string> inodes;
    const std::string directory = "/proc/" + std::to_string(process);
    for (const auto& entry : std::filesystem::directory_iterator(directory + "/fd")) {
        std::error_code gone;
        const std::string link = std::filesystem::read_symlink(entry.path(), gone).string();
        if (link.starts_with("socket:[")) {
            inodes.insert(link.substr(8, link.size() - 9));
        }
    }
    std::set<unsigned> out;
    for (const char* family : {"/net/tcp", "/net/tcp6"}) {
        std::ifstream table(directory + family);
        std::string line;
        std::getline(table, line);
        while (std::getline(table, line)) {
            std::istringstream words(line);
            std::string slot, local, remote, state, queues, timer, retransmits, user, timeout,
                inode;
            words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
                timeout >> inode;
            if (state == "0A" && inodes.contains(inode)) {
                out.insert(static_cast<unsigned>(
                    std::stoul(local.substr(local.rfind(':') + 1), nullptr, 16)));
            }
        }
    }
    return out;
}

TEST(Operators, WithoutAdminListenNothingListensButTheClientsPort) {
    TestRing ring(1, support::on_loopback());
    EXPECT_EQ(listening_ports(ring.daemon(0).process().pid()),
              std::set<unsigned>{ring.daemon(0).port()});
}

TEST(Operators, APageForPeopleAndProgramsWhoOnlyLook) {
    const std::uint16_t port = support::pick_port();
    TestRing ring(
        1, support::on_loopback("AdminListen = \"127.0.0.1:" + std::to_string(port) + "\"\n"));
    ring.wait_formed();
    EXPECT_EQ(listening_ports(ring.daemon(0).process().pid()),
              (std::set<unsigned>{ring.daemon(0).port(), port}));
    const auto ask = [port](const std::string& method, const std::string& target,
                            const std::string& host = "localhost") {
        return support::http_answer(RawConnection::tcp("127.0.0.1", port), method, target, host);
    };
    for (const char* path :
         {"/", "/livez", "/readyz", "/healthz", "/healthz?expect=1", "/metrics", "/status.json",
          "/clients.json", "/groups.json", "/busiest.json", "/group.json?name=none", "/events.json",
          "/bans.json", "/cluster.json", "/config.json", "/bundle", "/trace"}) {
        const std::string answer = ask("GET", path);
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 ")) << path;
        EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'self'")) << path;
        EXPECT_THAT(answer, Not(HasSubstr("Access-Control-"))) << path;
    }
    EXPECT_THAT(ask("GET", "/healthz"), HasSubstr("\"ok\""));
    const std::string lacking = ask("GET", "/healthz?expect=3");
    EXPECT_THAT(lacking, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(lacking, HasSubstr("3 expected"));
    // Neither is it for a page of somebody else in a browser of this host,
    EXPECT_THAT(ask("GET", "/status.json", "evil.example"), Not(StartsWith("HTTP/1.1 200 ")));
    // nor for changes, nor for more than there is.
    for (const char* path : {"/stop", "/kick?client=%23a%23d1", "/ban?client=a&seconds=9",
                             "/log/level?level=debug", "/partition?components=d1"}) {
        EXPECT_THAT(ask("POST", path), StartsWith("HTTP/1.1 403 ")) << path;
    }
    EXPECT_THAT(ask("GET", "/etc/passwd"), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(ask("GET", "/" + std::string(9000, 'x')), Not(StartsWith("HTTP/1.1 200 ")));
    EXPECT_EQ(spreadctl(ring.daemon(0), {"status"}).status, 0);
}

/// What `ask` prints as that user, of that group alone.
std::string as_user(uid_t user, gid_t group, const std::function<std::string()>& ask) {
    int ends[2];
    if (::pipe(ends) != 0) {
        throw std::runtime_error("no pipe");
    }
    const pid_t child = ::fork();
    if (child == 0) {
        std::string text = "cannot change the user";
        if (::setgroups(0, nullptr) == 0 && ::setgid(group) == 0 && ::setuid(user) == 0) {
            try {
                text = ask();
            } catch (const std::exception& error) {
                text = error.what();
            }
        }
        const ssize_t written =
            ::write(ends[1], text.data(), std::min<std::size_t>(text.size(), 4096));
        ::_exit(written < 0 ? 1 : 0);
    }
    ::close(ends[1]);
    std::string out(4096, '\0');
    const ssize_t got = ::read(ends[0], out.data(), out.size());
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    out.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return out;
}

TEST(Operators, TheSocketsGroupMayLookAndChangesNothing) {
    const passwd* const nobody = ::getpwnam("nobody");
    if (::geteuid() != 0 || nobody == nullptr ||
        as_user(nobody->pw_uid, nobody->pw_gid, [] { return "it"; }) != "it") {
        GTEST_SKIP() << "NOT TESTED: this needs root, and a user nobody";
    }
    const uid_t user = nobody->pw_uid;
    const gid_t group = nobody->pw_gid;
    TestRing ring(1, support::on_loopback());
    ring.wait_formed();
    const std::filesystem::path socket = ring.daemon(0).control_socket();
    std::filesystem::permissions(socket.parent_path(), std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
    const auto as = [&](gid_t of, const std::string& method, const std::string& target) {
        return as_user(user, of, [&] {
            return support::http_answer(RawConnection::unix_socket(socket), method, target)
                .substr(0, 2000);
        });
    };
    EXPECT_THAT(as(group, "GET", "/livez"), Not(HasSubstr("HTTP/1.1")))
        << "who is not in its group";
    ASSERT_EQ(::chown(socket.c_str(), static_cast<uid_t>(-1), group), 0);
    EXPECT_THAT(as(group, "GET", "/livez"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(as(group, "GET", "/status.json"), HasSubstr("\"schema\": 1"));
    const std::string refused = as(group, "POST", "/stop");
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 403 "));
    EXPECT_THAT(refused, HasSubstr("only root and the daemon's user may change something"));
    ring.daemon(0).wait_logged("refused: POST /stop by process ");
    EXPECT_THAT(ring.daemon(0).log(), HasSubstr(" of user " + std::to_string(user)));
    EXPECT_EQ(spreadctl(ring.daemon(0), {"status"}).status, 0);
}

TEST(Operators, NothingSecretIsInABundle) {
    const support::TempDir scratch;
    const std::string hash =
        "$6$saltsalt$qFmFH.bQmmtXzJVY0s9v4D2TICkW4z62iZsG728.B4iTPwFOkQIs3WSLu"
        "1Dn4t3xZ.VPwS5nlDX1HsXQpG4uP/";
    const std::string token = "a-token-that-nobody-shall-see";
    const auto users = scratch.write("users", "eve:" + hash + "\n");
    const auto token_file = scratch.write("token", token + "\n");
    for (const auto& each : {users, token_file}) {
        std::filesystem::permissions(
            each, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
    const std::string at = "127.0.0.1:" + std::to_string(support::pick_port());
    TestRing ring(1, support::on_loopback("AllowedAuthMethods = \"NULL PWORD\"\n"
                                          "AccessPasswordFile = \"" +
                                          users.string() + "\"\nAdminListen = \"" + at +
                                          "\"\nAdminWrite = yes\nAdminTokenFile = \"" +
                                          token_file.string() + "\"\n"));
    ring.wait_formed();
    EXPECT_EQ(spreadctl(ring.daemon(0), {"log", "level", "debug"}).status, 0);
    EXPECT_EQ(spreadctl(at, {"--token-file", token_file.string(), "ban", "bob", "1h"}).status, 0);
    const std::string file = (scratch.path() / "bundle.tar").string();
    ASSERT_EQ(spreadctl(ring.daemon(0), {"bundle", "-o", file}).status, 0);
    const std::string bundle = support::read_file(file);
    EXPECT_THAT(bundle, HasSubstr(token_file.string())) << "where it is may be told";
    EXPECT_THAT(bundle, Not(HasSubstr(token)));
    EXPECT_THAT(bundle, Not(HasSubstr(hash.substr(13))));
}

TEST(Operators, NoSignalThatAsksForSomethingEndsADaemon) {
    TestRing ring(2, support::on_loopback());
    ring.wait_formed();
    const std::string before = spreadctl(ring.daemon(0), {"events"}).text;
    for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) {
        ring.daemon(0).process().signal(number);
    }
    EXPECT_EQ(spreadctl(ring.daemon(0), {"log", "level", "debug"}).status, 0);
    ring.daemon(0).process().signal(SIGUSR2);
    ring.daemon(0).wait_logged("packets_sent");
    EXPECT_TRUE(ring.daemon(0).process().is_running());
    EXPECT_EQ(support::times_in(spreadctl(ring.daemon(0), {"events"}).text, "ring_changed"),
              support::times_in(before, "ring_changed"));
}

}  // namespace
}  // namespace spread::system_test
