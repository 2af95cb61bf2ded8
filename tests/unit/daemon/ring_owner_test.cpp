// Two whole daemons in this process: which thread does the ring's work, and that it can change
// hands without anybody noticing.

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/clients/main_loop.hpp"
#include "daemon/clients/session_server.hpp"
#include "daemon/engine_config.hpp"
#include "daemon/ring/ring_thread.hpp"
#include "daemon/ring/roster_of.hpp"
#include "daemon/ring/udp_transport.hpp"
#include "loopback_ports.hpp"
#include "raw_client.hpp"
#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);
constexpr std::size_t kBodyBytes = 100;
constexpr std::size_t kFrameBytes = 48 + 32 + kBodyBytes;

class Node {
  public:
    Node(const config::Configuration& configuration, std::size_t self,
         std::unique_ptr<UdpTransport> transport, float calm_share, float busy_share)
        : transport_(std::move(transport)),
          ring_({ring_config_of(configuration, self), protocol::Incarnation{1}, 1000, self + 1, {}},
                roster_of(configuration), link_, *transport_, pool_) {
        auto core = std::make_unique<session::SessionCore>(
            session_config_of(configuration, self, std::uint64_t{1} << 30U),
            group_config_of(configuration, self), protocol::Rng(self + 1));
        SessionServer::Settings settings;
        settings.sharing.calm_share = calm_share;
        settings.sharing.busy_share = busy_share;
        server_ = std::make_unique<SessionServer>(std::move(core), link_, settings);
        main_loop_ =
            std::make_unique<MainLoop>(*server_, std::vector<TcpListener>{},
                                       std::make_unique<UnixListener>(directory_.path(), kPort));
        server_->share_work_of(ring_);
        ring_.start();
        thread_ = std::thread([this] { main_loop_->run(); });
    }
    ~Node() {
        thread_.join();
        ring_.wait();
        main_loop_.reset();
        server_.reset();
    }

    [[nodiscard]] std::string socket_path() const { return directory_ / std::to_string(kPort); }
    [[nodiscard]] bool session_has_ring() const { return link_.session_has_ring(); }

  private:
    static constexpr std::uint16_t kPort = 4803;

    TemporaryDirectory directory_;
    protocol::BufferPool pool_{2048, 1U << 16U};
    RingLink link_;
    std::unique_ptr<UdpTransport> transport_;
    RingThread ring_;
    std::unique_ptr<SessionServer> server_;
    std::unique_ptr<MainLoop> main_loop_;
    std::thread thread_;
};

class RingOwner : public ::testing::Test {
  protected:
    /// Processors may be scarce: nobody may reach the usual shares.
    explicit RingOwner(float calm_share = 0.2F, float busy_share = 0.25F) {
        const std::vector<std::string> addresses = {"127.0.0.1", "127.0.0.2"};
        config::Configuration configuration;
        auto transports = with_free_ports(addresses, [&](std::uint16_t port) {
            configuration = loopback_configuration(addresses, port);
            std::vector<std::unique_ptr<UdpTransport>> out;
            for (std::size_t i = 0; i < addresses.size(); ++i) {
                out.push_back(std::make_unique<UdpTransport>(configuration, i, loopback_only()));
            }
            return out;
        });
        for (std::size_t i = 0; i < addresses.size(); ++i) {
            nodes_.push_back(std::make_unique<Node>(configuration, i, std::move(transports[i]),
                                                    calm_share, busy_share));
        }
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            clients_.push_back(std::make_unique<RawClient>(nodes_[i]->socket_path()));
            clients_[i]->handshake("user" + std::to_string(i));
            clients_[i]->send(clients_[i]->request(kJoinMess, "room", 0));
        }
    }
    ~RingOwner() override {
        clients_.clear();
        ::kill(::getpid(), SIGTERM);  // both servers hear of it
        nodes_.clear();
    }

    /// One message after the other, each read back by its sender.
    void chat(std::size_t client, int messages) {
        for (int i = 0; i < messages; ++i) {
            clients_[client]->send(clients_[client]->request(kAgreedMess, own(client), kBodyBytes));
            ASSERT_EQ(clients_[client]->read(kFrameBytes).size(), kFrameBytes);
        }
    }
    /// A private group: nobody else gets these.
    [[nodiscard]] static std::string own(std::size_t client) {
        return "#user" + std::to_string(client) + "#d" + std::to_string(client + 1);
    }

    void chat_until_session_has_ring(std::size_t client) {
        const auto give_up = std::chrono::steady_clock::now() + kPatience;
        while (!nodes_[client]->session_has_ring()) {
            ASSERT_LT(std::chrono::steady_clock::now(), give_up);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            chat(client, 1);
        }
    }

    /// As fast as they come back, but never more under way than a slow reader may leave unread.
    void flood(std::size_t client, int messages) {
        constexpr int kBurst = 400;
        std::string burst;
        for (int i = 0; i < kBurst; ++i) {
            burst += clients_[client]->request(kAgreedMess, own(client), kBodyBytes);
        }
        clients_[client]->send(burst);
        for (int sent = kBurst; sent < messages; sent += kBurst) {
            clients_[client]->send(burst);
            ASSERT_EQ(clients_[client]->read(kBurst * kFrameBytes).size(), kBurst * kFrameBytes);
        }
        ASSERT_EQ(clients_[client]->read(kBurst * kFrameBytes).size(), kBurst * kFrameBytes);
    }

    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<std::unique_ptr<RawClient>> clients_;
};

TEST_F(RingOwner, ACalmSessionThreadTakesTheWorkAndABusyOneGivesItBack) {
    for (int round = 0; round < 3; ++round) {
        chat_until_session_has_ring(0);
        chat_until_session_has_ring(1);
        chat(0, 50);
        chat(1, 50);
        const auto give_up = std::chrono::steady_clock::now() + kPatience;
        while (nodes_[0]->session_has_ring()) {
            ASSERT_LT(std::chrono::steady_clock::now(), give_up);
            flood(0, 4000);
        }
    }
}

TEST_F(RingOwner, AnIdleRingLivesOnWhileTheSessionThreadHasTheWork) {
    chat_until_session_has_ring(0);
    chat_until_session_has_ring(1);
    // Longer than a ring may be silent: deadlines are kept.
    std::this_thread::sleep_for(std::chrono::milliseconds(1200));
    chat(0, 5);
    chat(1, 5);
}

/// No load makes the session thread give the ring's work back.
class PatientRingOwner : public RingOwner {
  protected:
    PatientRingOwner() : RingOwner(0.9F, 2) {}
};

TEST_F(PatientRingOwner, AMessageToManyClientsDoesNotKeepTheRingWaiting) {
    constexpr std::size_t kMembers = 200;
    std::vector<std::unique_ptr<RawClient>> members;
    for (std::size_t i = 0; i < kMembers; ++i) {
        members.push_back(std::make_unique<RawClient>(nodes_[0]->socket_path()));
        members.back()->handshake("m" + std::to_string(i));
        members.back()->send(members.back()->request(kJoinMess, "many", 0));
    }
    chat_until_session_has_ring(0);
    const std::string message = clients_[0]->request(kAgreedMess, "many", kBodyBytes);
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    // It may be back before we look, but each time it stays away for longer.
    for (bool given_back = false; !given_back;) {
        ASSERT_LT(std::chrono::steady_clock::now(), give_up);
        chat_until_session_has_ring(0);
        clients_[0]->send(message);
        for (auto& member : members) {
            ASSERT_EQ(member->read(kFrameBytes).size(), kFrameBytes);
        }
        given_back = !nodes_[0]->session_has_ring();
    }
    chat(0, 5);
}

TEST_F(RingOwner, ADaemonStopsWhicheverThreadHasTheWork) {
    chat_until_session_has_ring(0);
    // Node 1 still has a thread of its own for it; the fixture stops both.
    chat(1, 3);
}

}  // namespace
}  // namespace spread::daemon
