#pragma once

#include <sys/stat.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/daemon_process.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/ring_probe.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_client.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {

using support::DaemonProcess;
using support::Received;
using support::TestClient;

inline const std::string kKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";       // f841a6b1
inline const std::string kOtherKey = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM";  // 8d31ab2b

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
                ASSERT_THAT(message.text(), testing::HasSubstr(std::to_string(round) + " of "));
            }
        }
    }
    std::vector<TestClient> members(const std::string& name = "user") {
        std::vector<TestClient> clients;
        std::vector<std::string> names;
        for (std::size_t i = 0; i < 3; ++i) {
            clients.push_back(client(i, name + std::to_string(i + 1)));
            names.push_back(clients.back().private_group());
            clients.back().join("room");
            for (auto& each : clients) {
                each.wait_for_members("room", names);
            }
        }
        return clients;
    }

    Answer ctl(std::size_t daemon, const std::vector<std::string>& arguments) {
        return spreadctl(*daemons_[daemon], arguments);
    }

    support::TempDir directory_;
    std::uint16_t port_;
    std::vector<support::DaemonSpec> specs_;
    std::vector<std::filesystem::path> configurations_;
    std::vector<std::unique_ptr<DaemonProcess>> daemons_;
};

}  // namespace spread::system_test
