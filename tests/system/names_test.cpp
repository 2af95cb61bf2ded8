// Rings whose daemons have names in place of addresses, and no multicast.

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/daemon_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/ring_probe.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_client.hpp"
#include "tests/support/times_in.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using support::DaemonProcess;
using support::NetworkLab;
using support::TestClient;
using support::times_in;
using support::wait_until;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kRingKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
constexpr const char* kForeignKey = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM";
constexpr const char* kElsewhere = "10.77.0.77";

/// Daemons d0, d1, ... on hosts of their own, with names d0.ring, d1.ring, ... in /etc/hosts files
/// of their own.
class NamedRing : public testing::Test {
  protected:
    void make_hosts(std::size_t hosts) {
        if (const std::string& problem = support::enter_private_network(); !problem.empty()) {
            GTEST_SKIP() << "NOT TESTED: " << problem;
        }
        lab_ = std::make_unique<NetworkLab>(hosts);
        port_ = support::pick_port();
        for (std::size_t host = 0; host < hosts; ++host) {
            lab_->filter(host, "ip daddr 224.0.0.0/4 drop");
            const std::string name = "d" + std::to_string(host);
            const auto etc = directory_.path() / ("etc" + std::to_string(host));
            std::filesystem::create_directory(etc);
            specs_.push_back({.name = name,
                              .address = NetworkLab::address(host),
                              .network_namespace = lab_->namespace_of(host),
                              .program = {},
                              .arguments = {},
                              .etc = etc});
            names_[name + ".ring"] = NetworkLab::address(host);
        }
        daemons_.resize(hosts);
        resolve_by("files");
        write_keys("ring.keys", kRingKey);
        daemons("d* Count = 8 Host = \"d*.ring\"");
    }
    void write_keys(const std::string& file, const std::string& key) {
        const auto path = directory_.write(file, "spreadd-keys 1\nuse " + key + "\n");
        ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    }
    /// What stands between the braces.
    void daemons(const std::string& lines) { lines_ = lines; }
    void use_key(const std::string& file) {
        options_ = "RingKeyFile = \"" + (directory_.path() / file).string() + "\"\n";
    }

    /// All hosts find names so: "files", or "dns", of a server that never answers.
    void resolve_by(const std::string& way) {
        for (const auto& spec : specs_) {
            std::ofstream(spec.etc / "nsswitch.conf") << "hosts: " << way << "\n";
            std::ofstream(spec.etc / "resolv.conf")
                << "nameserver 10.77.0.250\noptions timeout:1 attempts:1\n";
        }
        tell_names();
    }
    /// All hosts know what names_ says. The files stay the same ones: they are mounted.
    void tell_names() {
        for (const auto& spec : specs_) {
            std::ofstream hosts(spec.etc / "hosts");
            hosts << "127.0.0.1 localhost\n";
            for (const auto& [name, address] : names_) {
                hosts << address << " " << name << "\n";
            }
        }
    }

    std::filesystem::path write_configuration(const std::string& name) {
        return directory_.write(name + ".conf", "Spread_Segment unicast:" + std::to_string(port_) +
                                                    " {\n" + lines_ + "\n}\n" + options_);
    }
    void start(std::size_t daemon) {
        daemons_[daemon] = std::make_unique<DaemonProcess>(
            support::DaemonKind::kOurs, specs_[daemon], write_configuration(specs_[daemon].name),
            port_, directory_.path());
    }
    void start_all(const std::vector<std::size_t>& order) {
        for (const std::size_t daemon : order) {
            start(daemon);
            daemons_[daemon]->wait_listening();
        }
        wait_formed(order);
    }
    void wait_formed(std::vector<std::size_t> members) {
        std::ranges::sort(members);
        std::vector<DaemonProcess*> wanted;
        for (const std::size_t member : members) {
            wanted.push_back(daemons_[member].get());
        }
        support::wait_for_ring(wanted);
    }
    /// Its host has another address from now on; nobody is told.
    void move(std::size_t daemon, const std::string& address) {
        lab_->remove_address(daemon, specs_[daemon].address);
        lab_->add_address(daemon, address);
        specs_[daemon].address = address;
    }
    TestClient client(std::size_t daemon, const std::string& name) {
        return TestClient::tcp(specs_[daemon].address, port_, name);
    }
    [[nodiscard]] std::string log(std::size_t daemon) const { return daemons_[daemon]->log(); }

    void TearDown() override {
        for (const auto& daemon : daemons_) {
            if (HasFailure() && daemon) {
                ADD_FAILURE() << "--- " << daemon->spec().name << "\n" << daemon->log();
            }
        }
    }

    /// d2 crashes and comes back at another address. Clients of the others hear of it twice.
    void move_a_daemon(bool names_change) {
        start_all({0, 1, 2});
        auto observer = client(0, "observer");
        observer.join("room");
        observer.wait_for_members("room", {observer.private_group()});
        {
            auto first = client(2, "first");
            first.join("room");
            observer.wait_for_members("room", {observer.private_group(), first.private_group()});
            daemons_[2]->crash();
        }
        EXPECT_EQ(next_members(observer), 1U);
        move(2, kElsewhere);
        if (names_change) {
            names_["d2.ring"] = kElsewhere;
            tell_names();
        }
        start(2);
        daemons_[2]->wait_listening();
        daemons_[0]->wait_logged("d2 is at " + std::string(kElsewhere));
        wait_formed({0, 1, 2});
        auto second = client(2, "second");
        second.join("room");
        EXPECT_EQ(next_members(observer), 2U);
    }
    /// Of the next view; signals before it do not count.
    static std::size_t next_members(TestClient& observer) {
        for (;;) {
            const auto message = observer.receive();
            if (message.view().is_regular_membership()) {
                return message.membership().members.size();
            }
            EXPECT_TRUE(message.view().is_transitional());
        }
    }

    support::TempDir directory_;
    std::unique_ptr<NetworkLab> lab_;
    std::uint16_t port_ = 0;
    std::vector<support::DaemonSpec> specs_;
    std::map<std::string, std::string> names_;
    std::string lines_;
    std::string options_;
    std::vector<std::unique_ptr<DaemonProcess>> daemons_;
};

TEST_F(NamedRing, FormsInAnyOrderOfStartsAndIsSilentAboutDaemonsThatDoNotExist) {
    make_hosts(5);
    start_all({3, 0, 4, 1, 2});
    for (std::size_t daemon = 0; daemon < 5; ++daemon) {
        std::istringstream lines(log(daemon));
        for (std::string line; std::getline(lines, line);) {
            if (line.find(" warning ") != std::string::npos) {
                EXPECT_THAT(line, Not(testing::ContainsRegex("d[567]"))) << line;
            }
        }
    }
    const Answer status = spreadctl(*daemons_[0], {"status"});
    EXPECT_THAT(status.text, HasSubstr("ring of 5 of 5 daemons, 3 more names are not known"));
    EXPECT_THAT(status.text, Not(HasSubstr("degraded")));
}

TEST_F(NamedRing, OnAPlainRingADaemonMovesWhenItsNameDoes) {
    make_hosts(3);
    move_a_daemon(true);
}

TEST_F(NamedRing, OnASealedRingADaemonMovesAndNoNameHasToChange) {
    make_hosts(3);
    use_key("ring.keys");
    move_a_daemon(false);
}

TEST_F(NamedRing, WhoGetsTheOldAddressOfADaemonAndHasAnotherKeyIsNobody) {
    make_hosts(4);
    use_key("ring.keys");
    move_a_daemon(false);
    const std::size_t rings = times_in(log(0), "installed configuration");
    lab_->remove_address(3, specs_[3].address);
    lab_->add_address(3, NetworkLab::address(2));
    write_keys("other.keys", kForeignKey);
    use_key("other.keys");
    const auto place = directory_.path() / "intruder";
    std::filesystem::create_directory(place);
    support::DaemonSpec spec = specs_[3];
    spec.name = "d2";
    spec.address = NetworkLab::address(2);
    DaemonProcess intruder(support::DaemonKind::kOurs, spec, write_configuration("intruder"), port_,
                           place);
    intruder.wait_listening();
    daemons_[0]->wait_logged("which is not in ");
    auto sender = client(1, "sender");
    auto receiver = client(2, "receiver");
    for (int i = 0; i < 100; ++i) {
        sender.multicast(receiver.private_group(), std::to_string(i));
        EXPECT_EQ(receiver.receive().text(), std::to_string(i));
    }
    EXPECT_EQ(times_in(log(0), "installed configuration"), rings);
    EXPECT_EQ(times_in(log(0), "d2 is at "), 2U);
    // One line tells of it, and those that follow after a while say how many they stand for.
    EXPECT_EQ(
        times_in(log(0), "which is not in ") - times_in(log(0), " more since the last warning"),
        1U);
}

/// A minute is the time after which all names have been asked for again.
TEST_F(NamedRing, NobodyMindsAResolverThatDoesNotAnswerForAMinute) {
    make_hosts(3);
    use_key("ring.keys");
    start_all({0, 1, 2});
    auto sender = client(0, "sender");
    auto receiver = client(2, "receiver");
    for (TestClient* each : {&sender, &receiver}) {
        each->join("room");
        each->wait_for_members("room", each == &sender ? std::vector{sender.private_group()}
                                                       : std::vector{sender.private_group(),
                                                                     receiver.private_group()});
    }
    sender.wait_for_members("room", {sender.private_group(), receiver.private_group()});
    std::vector<std::size_t> rings;
    for (std::size_t daemon = 0; daemon < 3; ++daemon) {
        rings.push_back(times_in(log(daemon), "installed configuration"));
    }
    resolve_by("dns");
    const support::Deadline minute(std::chrono::minutes(1));
    for (int i = 0; !minute.passed(); ++i) {
        sender.multicast("room", std::to_string(i));
        for (TestClient* each : {&sender, &receiver}) {
            EXPECT_EQ(each->receive().text(), std::to_string(i)) << "no view either";
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    for (std::size_t daemon = 0; daemon < 3; ++daemon) {
        daemons_[daemon]->wait_logged("cannot look up ");
        EXPECT_EQ(times_in(log(daemon), "installed configuration"), rings[daemon]);
        EXPECT_LE(times_in(log(daemon), "cannot look up "), 2U) << "one line a minute";
    }
    // One that is started now knows nobody; the others know it, and it answers where they ask.
    daemons_[1]->crash();
    daemons_[1]->restart();
    wait_formed({0, 1, 2});
}

TEST_F(NamedRing, ADaemonBehindANatWithFixedPortsIsAMember) {
    make_hosts(3);
    lab_->put_behind_nat(2, port_);
    daemons("d0 Host = d0.ring\nd1 Host = d1.ring\nd2 " + NetworkLab::address(2) + " { 0.0.0.0 }");
    start_all({0, 1, 2});
    auto inside = client(2, "inside");
    auto outside = client(0, "outside");
    inside.join("room");
    inside.wait_for_members("room", {inside.private_group()});
    outside.join("room");
    inside.wait_for_members("room", {outside.private_group(), inside.private_group()});
    outside.wait_for_members("room", {outside.private_group(), inside.private_group()});
    const std::string text(20000, 'x');
    for (int i = 0; i < 200; ++i) {
        inside.multicast("room", std::to_string(i) + text);
        outside.multicast("room", std::to_string(i) + text);
        for (int copy = 0; copy < 2; ++copy) {
            EXPECT_EQ(inside.receive().text(), std::to_string(i) + text);
            EXPECT_EQ(outside.receive().text(), std::to_string(i) + text);
        }
    }
}

}  // namespace
}  // namespace spread::system_test
