// Rings of real daemons with a key: they form, go from plain to sealed and to another key under
// load without a view, and leave out who has another key.

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/daemon_process.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/ring_probe.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_client.hpp"

namespace spread::system_test {
namespace {

using support::DaemonProcess;
using support::Received;
using support::TestClient;
using testing::HasSubstr;

const std::string kKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const std::string kOtherKey = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM";

/// Three daemons on loopback, each with a configuration and a key file of its own.
class SealedRing : public testing::Test {
  protected:
    SealedRing() : port_(support::pick_port()) {
        static_cast<void>(support::enter_private_network());
        for (int i = 1; i <= 3; ++i) {
            const std::string number = std::to_string(i);
            specs_.push_back(
                {.name = "d" + number, .address = "127.0.0." + number, .network_namespace = -1});
        }
    }

    void write_keys(std::size_t daemon, const std::string& lines) {
        const auto path = directory_.write(keys_of(daemon), "spreadd-keys 1\n" + lines);
        ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    }
    /// `options` as RingSealing says; empty: no key at all.
    void write_configuration(std::size_t daemon, const std::string& sealing) {
        std::string text =
            support::ring_configuration(support::DaemonKind::kOurs, specs_, "127.0.0.255", port_);
        if (!sealing.empty()) {
            text += "\nRingKeyFile = \"" + (directory_.path() / keys_of(daemon)).string() +
                    "\"\nRingSealing = " + sealing + "\n";
        }
        configurations_.push_back(
            directory_.write("d" + std::to_string(daemon + 1) + ".conf", text));
    }
    void start(std::size_t daemon) {
        daemons_.push_back(std::make_unique<DaemonProcess>(
            support::DaemonKind::kOurs, specs_[daemon],
            directory_.path() / ("d" + std::to_string(daemon + 1) + ".conf"), port_,
            directory_.path()));
    }
    void start_all(const std::string& sealing) {
        for (std::size_t i = 0; i < 3; ++i) {
            write_keys(i, "use " + kKey + "\n");
            write_configuration(i, sealing);
            start(i);
        }
        for (const auto& daemon : daemons_) {
            daemon->wait_listening();
        }
    }
    void wait_formed(const std::vector<std::size_t>& indices) {
        std::vector<DaemonProcess*> wanted;
        for (const std::size_t index : indices) {
            wanted.push_back(daemons_[index].get());
        }
        support::wait_for_ring(wanted);
    }
    void reload(std::size_t daemon) { daemons_[daemon]->process().signal(SIGHUP); }
    TestClient client(std::size_t daemon, const std::string& name) {
        return TestClient::tcp(specs_[daemon].address, port_, name);
    }
    [[nodiscard]] static std::string keys_of(std::size_t daemon) {
        return "d" + std::to_string(daemon + 1) + ".keys";
    }

    /// A message of each client, through all daemons: `round` of them in this order at each.
    void exchange(std::vector<TestClient>& clients, int round) {
        for (std::size_t i = 0; i < clients.size(); ++i) {
            clients[i].multicast("room", std::to_string(round) + " of " + std::to_string(i));
        }
        for (TestClient& each : clients) {
            for (std::size_t i = 0; i < clients.size(); ++i) {
                const Received message = each.receive();
                ASSERT_FALSE(message.view().is_regular_membership()) << "a view";
                ASSERT_FALSE(message.view().is_transitional()) << "a view";
                ASSERT_THAT(message.text(), HasSubstr(std::to_string(round) + " of "));
            }
        }
    }
    std::vector<TestClient> members() {
        std::vector<TestClient> clients;
        std::vector<std::string> names;
        for (std::size_t i = 0; i < 3; ++i) {
            clients.push_back(client(i, "user" + std::to_string(i + 1)));
            names.push_back(clients.back().private_group());
            clients.back().join("room");
            for (auto& each : clients) {
                each.wait_for_members("room", names);
            }
        }
        return clients;
    }

    support::TempDir directory_;
    std::uint16_t port_;
    std::vector<support::DaemonSpec> specs_;
    std::vector<std::filesystem::path> configurations_;
    std::vector<std::unique_ptr<DaemonProcess>> daemons_;
};

TEST_F(SealedRing, FormsAndDelivers) {
    start_all("require");
    wait_formed({0, 1, 2});
    auto clients = members();
    for (int round = 0; round < 20; ++round) {
        exchange(clients, round);
    }
    daemons_[0]->wait_logged("ring key f841a6b1");
    daemons_[0]->wait_logged("seals what it sends, takes sealed datagrams only");
    daemons_[1]->crash();
    wait_formed({0, 2});
    daemons_[1]->restart();
    wait_formed({0, 1, 2});
}

TEST_F(SealedRing, GoesFromPlainToSealedAndToAnotherKeyUnderLoadWithoutAView) {
    start_all("accept");
    wait_formed({0, 1, 2});
    auto clients = members();
    int round = 0;
    const auto talk = [&] {
        for (int i = 0; i < 10; ++i) {
            exchange(clients, ++round);
        }
    };
    talk();
    for (const char* sealing : {"send", "require"}) {
        for (std::size_t i = 0; i < 3; ++i) {
            write_configuration(i, sealing);
            reload(i);
            daemons_[i]->wait_logged(std::string("known, RingSealing = ") + sealing);
            talk();
        }
    }
    // The new key to all, then in use, then the old one goes.
    for (const std::string& lines : {"use " + kKey + "\nkeep " + kOtherKey,
                                     "keep " + kKey + "\nuse " + kOtherKey, "use " + kOtherKey}) {
        for (std::size_t i = 0; i < 3; ++i) {
            write_keys(i, lines + "\n");
            reload(i);
            talk();
        }
    }
    daemons_[2]->wait_logged("ring key 8d31ab2b in use, 1 known");
    talk();
}

TEST_F(SealedRing, WhoHasAnotherKeyStaysOutAndBothSay) {
    for (std::size_t i = 0; i < 3; ++i) {
        write_keys(i, "use " + (i == 2 ? kOtherKey : kKey) + "\n");
        write_configuration(i, "require");
        start(i);
    }
    for (const auto& daemon : daemons_) {
        daemon->wait_listening();
    }
    wait_formed({0, 1});
    wait_formed({2});
    daemons_[0]->wait_logged("seals with ring key 8d31ab2b, which is not in");
    daemons_[2]->wait_logged("seals with ring key f841a6b1, which is not in");
}

TEST_F(SealedRing, WhoHasNoKeyStaysOutAndBothSay) {
    for (std::size_t i = 0; i < 3; ++i) {
        write_keys(i, "use " + kKey + "\n");
        write_configuration(i, i == 2 ? "" : "require");
        start(i);
    }
    for (const auto& daemon : daemons_) {
        daemon->wait_listening();
    }
    wait_formed({0, 1});
    wait_formed({2});
    daemons_[0]->wait_logged("does not seal, and RingSealing = require here");
    daemons_[2]->wait_logged("seals with ring key f841a6b1, and no RingKeyFile is set here");
}

TEST_F(SealedRing, AFileThatOthersCanReadEndsTheStart) {
    write_keys(0, "use " + kKey + "\n");
    write_configuration(0, "require");
    ASSERT_EQ(::chmod((directory_.path() / keys_of(0)).c_str(), 0644), 0);
    start(0);
    EXPECT_THROW(daemons_[0]->wait_listening(), std::exception);
    EXPECT_THAT(daemons_[0]->log(), HasSubstr("mode 0644 lets others read or write the ring's key: "
                                              "chmod 0640"));
}

}  // namespace
}  // namespace spread::system_test
