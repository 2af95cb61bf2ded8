#include "daemon/clients/session_server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/clients/main_loop.hpp"
#include "raw_client.hpp"
#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

constexpr std::uint16_t kPort = 4803;
constexpr protocol::DaemonId kSelf{7};

/// A daemon without a network: the test plays the ring thread.
class SessionServerTest : public ::testing::Test {
  protected:
    explicit SessionServerTest(std::uint32_t max_session_messages = 1000) {
        session::SessionConfig config;
        config.daemon_name = "d1";
        config.max_session_messages = max_session_messages;
        auto core = std::make_unique<session::SessionCore>(
            config, membership::GroupConfig{{{kSelf, "d1"}}, kSelf}, protocol::Rng(1));
        server_ =
            std::make_unique<SessionServer>(std::move(core), link_, SessionServer::Settings{});
        main_loop_ =
            std::make_unique<MainLoop>(*server_, std::vector<TcpListener>{},
                                       std::make_unique<UnixListener>(directory_.path(), kPort));
        const protocol::RingId ring{kSelf, 1, 1000};
        deliver(membership::ConfigurationChange{
            membership::ConfigurationKind::kRegular, ring, {kSelf}});
        thread_ = std::thread([this] { main_loop_->run(); });
    }
    ~SessionServerTest() override {
        if (thread_.joinable()) {
            stop();
        }
    }

    void deliver(membership::DeliveryEvent event) {
        queue_delivery(std::move(event));
        link_.session_wakeup.notify(RingLink::kDelivery);
    }

    void queue_delivery(membership::DeliveryEvent event) {
        if (const auto* delivery = std::get_if<membership::Delivery>(&event)) {
            link_.delivered_bytes.fetch_add(delivery->body.size());
        }
        while (!link_.deliveries.try_push(std::move(event))) {
            std::this_thread::yield();
        }
    }

    /// Takes everything submitted and delivers it at once, until `done()`.
    template <typename Done>
    void turn_ring_until(Done&& done) {
        while (!done()) {
            if (ControlItem* item = link_.control.front()) {
                ControlItem taken = std::move(*item);
                link_.control.pop();
                link_.session_wakeup.notify(RingLink::kSubmitRoom);
                if (auto* submission = std::get_if<membership::Submission>(&taken)) {
                    order(std::move(*submission));
                }
                continue;
            }
            if (membership::Submission* front = link_.submissions.front()) {
                membership::Submission taken = std::move(*front);
                link_.submissions.pop();
                link_.submitted_bytes.fetch_sub(taken.body.size());
                if (link_.submit_is_low()) {
                    link_.session_wakeup.notify(RingLink::kSubmitRoom);
                }
                order(std::move(taken));
                continue;
            }
            std::this_thread::yield();
        }
    }

    void order(membership::Submission submission) { deliver(ordered(std::move(submission))); }

    /// The submission as the ring hands it back.
    membership::Delivery ordered(membership::Submission submission) {
        client_frames_ += submission.kind == protocol::MessageKind::kClientFrame ? 1 : 0;
        disconnects_ += submission.kind == protocol::MessageKind::kDisconnect ? 1 : 0;
        joins_ += submission.kind == protocol::MessageKind::kGroupJoin ? 1 : 0;
        return membership::Delivery{
            {kSelf, 1, 1000}, protocol::Seq{++seq_},     0, kSelf, submission.service,
            submission.kind,  std::move(submission.body)};
    }

    void stop() {
        ::kill(::getpid(), SIGTERM);
        turn_ring_until([this] { return link_.leave_wanted.load(); });
        link_.ring_stopped.store(true);
        link_.session_wakeup.notify(RingLink::kStopped);
        thread_.join();
    }

    [[nodiscard]] std::string socket_path() const { return directory_ / std::to_string(kPort); }

    TemporaryDirectory directory_;
    RingLink link_;
    std::unique_ptr<SessionServer> server_;
    std::unique_ptr<MainLoop> main_loop_;
    std::thread thread_;
    std::uint64_t seq_ = 0;
    int client_frames_ = 0;
    int joins_ = 0;
    int disconnects_ = 0;
};

/// MaxSessionMessages is 16, and so four ring events make a turn of the session thread.
class SessionServerWithShortQueuesTest : public SessionServerTest {
  protected:
    SessionServerWithShortQueuesTest() : SessionServerTest(16) {}
};

TEST_F(SessionServerTest, AMulticastGoesThroughTheRingAndComesBack) {
    RawClient client(socket_path());
    client.handshake("alice");
    client.send(client.request(kJoinMess, "room", 0));
    client.send(client.request(kAgreedMess, "room", 100));
    turn_ring_until([this] { return client_frames_ == 1; });
    const std::string frame = client.read(48 + 32 + 100);
    ASSERT_EQ(frame.size(), 180U);
    EXPECT_EQ(frame.substr(4, 9), "#alice#d1");
    EXPECT_EQ(frame.substr(48, 5), std::string("room\0", 5));
}

TEST_F(SessionServerTest, WhatAClientSentBeforeItWentIsNotLostEvenIfItReadsNothing) {
    // Three reads' worth, and each read fills the submit queue: when the first answers bounce off
    // the closed socket, the last read is still to come.
    constexpr int kMessages = 2400;
    RawClient client(socket_path());
    client.handshake("bob");
    client.send(client.request(kJoinMess, "room", 0));
    std::string burst;
    for (int i = 0; i < kMessages; ++i) {
        burst += client.request(kAgreedMess, "room", 0);
    }
    client.send(burst);
    client.close();
    turn_ring_until([this] { return disconnects_ == 1; });
    EXPECT_EQ(client_frames_, kMessages);
}

TEST_F(SessionServerTest, ClientsAreNotReadWhileTheSubmitQueueIsFull) {
    RawClient client(socket_path());
    client.handshake("carl");
    std::string burst;
    for (int i = 0; i < 2000; ++i) {
        burst += client.request(kAgreedMess, "nobody", 10);
    }
    std::thread sender([&client, &burst] { client.send(burst); });
    while (link_.submissions.size() < link_.submissions.capacity()) {
        std::this_thread::yield();
    }
    EXPECT_EQ(client_frames_, 0);
    turn_ring_until([this] { return client_frames_ == 2000; });
    sender.join();
}

TEST_F(SessionServerTest, ClientsConnectWhileTheSubmitQueueIsFull) {
    RawClient busy(socket_path());
    busy.handshake("emil");
    std::string burst;
    for (int i = 0; i < 2000; ++i) {
        burst += busy.request(kAgreedMess, "nobody", 10);
    }
    std::thread sender([&busy, &burst] { busy.send(burst); });
    while (link_.submissions.size() < link_.submissions.capacity()) {
        std::this_thread::yield();
    }
    RawClient client(socket_path());
    client.handshake("fred");  // the ring does not turn
    client.send(client.request(kJoinMess, "room", 0));
    turn_ring_until([this] {
        return client_frames_ == 2000 && (joins_ == 1 || ::testing::Test::HasFailure());
    });
    sender.join();
}

TEST_F(SessionServerWithShortQueuesTest, ABurstOfEventsDropsNobodyWhoseSocketTakesIt) {
    constexpr int kGroups = 8;
    constexpr int kLeavers = 4;
    constexpr std::size_t kMemberChangeBytes = 48 + 56;  // and 32 for each member
    RawClient reader(socket_path());
    reader.handshake("reader", true);
    std::vector<std::unique_ptr<RawClient>> leavers;
    int joins = 0;
    const auto join_all = [&](RawClient& client) {
        for (int group = 0; group < kGroups; ++group) {
            client.send(client.request(kJoinMess, "g" + std::to_string(group), 0));
            ++joins;
        }
        turn_ring_until([&] { return joins_ == joins; });
    };
    join_all(reader);
    EXPECT_EQ(reader.read(kGroups * (kMemberChangeBytes + 32)).size(),
              kGroups * (kMemberChangeBytes + 32));
    for (std::size_t i = 0; i < kLeavers; ++i) {
        leavers.push_back(std::make_unique<RawClient>(socket_path()));
        leavers.back()->handshake("leaver" + std::to_string(i));
        join_all(*leavers.back());
        const std::size_t bytes = kGroups * (kMemberChangeBytes + 32 * (i + 2));
        ASSERT_EQ(reader.read(bytes).size(), bytes);
    }
    for (const auto& leaver : leavers) {
        leaver->close();
    }
    std::vector<membership::Delivery> disconnects;
    while (disconnects.size() < kLeavers) {
        if (membership::Submission* front = link_.submissions.front()) {
            disconnects.push_back(ordered(std::move(*front)));
            link_.submissions.pop();
            link_.submitted_bytes.fetch_sub(disconnects.back().body.size());
        }
    }
    for (membership::Delivery& disconnect : disconnects) {
        queue_delivery(std::move(disconnect));
    }
    link_.session_wakeup.notify(RingLink::kDelivery);
    std::size_t bytes = 0;
    for (std::size_t left = kLeavers; left > 0; --left) {
        bytes += kGroups * (kMemberChangeBytes + 32 * left);
    }
    EXPECT_EQ(reader.read(bytes).size(), bytes);
}

TEST_F(SessionServerTest, NoticesThatWaitForEachOtherComeInOrderAndBeforeMessages) {
    constexpr int kRounds = 20;
    constexpr std::size_t kNoticeBytes = 48 + 56;  // and 32 for each member
    RawClient watcher(socket_path());
    watcher.handshake("watcher", true);
    watcher.send(watcher.request(kJoinMess, "room", 0));
    turn_ring_until([&] { return joins_ == 1; });
    ASSERT_EQ(watcher.read(kNoticeBytes + 32).size(), kNoticeBytes + 32);
    std::vector<std::unique_ptr<RawClient>> others;
    std::vector<membership::Delivery> deliveries;
    for (int i = 0; i < kRounds; ++i) {
        others.push_back(std::make_unique<RawClient>(socket_path()));
        others.back()->handshake("other" + std::to_string(i));
        others.back()->send(others.back()->request(kJoinMess, "room", 0));
        while (link_.submissions.front() == nullptr) {
            std::this_thread::yield();
        }
        deliveries.push_back(ordered(std::move(*link_.submissions.front())));
        link_.submissions.pop();
        link_.submitted_bytes.fetch_sub(deliveries.back().body.size());
    }
    others.front()->send(others.front()->request(kAgreedMess, "room", 100));
    while (link_.submissions.front() == nullptr) {
        std::this_thread::yield();
    }
    deliveries.push_back(ordered(std::move(*link_.submissions.front())));
    link_.submissions.pop();
    for (std::size_t i = 0; i < deliveries.size(); ++i) {
        if (i == kRounds / 2) {
            std::this_thread::sleep_for(std::chrono::milliseconds(3));  // what waits is written
        }
        deliver(std::move(deliveries[i]));
    }
    for (std::size_t members = 2; members < kRounds + 2; ++members) {
        const std::string notice = watcher.read(kNoticeBytes + 32 * members);
        ASSERT_EQ(notice.size(), kNoticeBytes + 32 * members);
        EXPECT_EQ(notice.substr(4, 5), std::string("room\0", 5)) << members;
    }
    EXPECT_EQ(watcher.read(48 + 32 + 100).substr(4, 10), "#other0#d1");
}

TEST_F(SessionServerTest, StoppingSendsClientsWhatWasDeliveredAndRemovesTheSocket) {
    RawClient client(socket_path());
    client.handshake("dora");
    client.send(client.request(kJoinMess, "room", 0));
    client.send(client.request(kAgreedMess, "room", 64));
    turn_ring_until([this] { return client_frames_ == 1; });
    stop();
    EXPECT_EQ(client.read(48 + 32 + 64).size(), 144U);
    EXPECT_EQ(client.read(1), "");
    EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

}  // namespace
}  // namespace spread::daemon
