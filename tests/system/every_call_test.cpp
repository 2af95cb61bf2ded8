// Every function of the C++ client library with a real daemon: ours and, where SPREAD_STOCK_DIR
// names one, stock's; over TCP and over a Unix socket.

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spread/asio.hpp"
#include "spread/session.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::system_test {
namespace {

using support::DaemonKind;
using support::TestRing;
using testing::ElementsAre;
using namespace std::chrono_literals;

enum class Way : std::uint8_t { kTcp, kUnix };

class EveryCall : public testing::TestWithParam<std::tuple<DaemonKind, Way>> {
  protected:
    void SetUp() override {
        const auto [kind, way] = GetParam();
        if (kind == DaemonKind::kStock && !support::stock_directory()) {
            GTEST_SKIP() << "SPREAD_STOCK_DIR is not set: no stock daemon to talk to";
        }
        ring_.emplace(
            1, TestRing::Options{
                   .kind = kind, .loopback = false, .segment_address = {}, .extra_options = {}});
        const auto& daemon = ring_->daemon(0);
        server_ = way == Way::kUnix ? daemon.unix_socket().string()
                                    : std::to_string(daemon.port()) + "@" + daemon.spec().address;
    }

    [[nodiscard]] Options options(const std::string& name) const {
        Options options;
        options.servers = {server_};
        options.private_name = name;
        options.connect_timeout = support::kPatience;
        return options;
    }

    [[nodiscard]] Session connect(const std::string& name) const {
        auto session = Session::connect(options(name));
        if (!session) {
            throw std::runtime_error(session.error().text);
        }
        return std::move(*session);
    }

    std::optional<TestRing> ring_;
    std::string server_;
};

template <typename Kind>
Kind take(Result<Event> event) {
    if (!event) {
        throw std::runtime_error(event.error().text);
    }
    return std::get<Kind>(std::move(*event));
}

bool is_readable(int descriptor, std::chrono::milliseconds patience) {
    pollfd wanted{descriptor, POLLIN, 0};
    return poll(&wanted, 1, static_cast<int>(patience.count())) == 1;
}

TEST_P(EveryCall, ConnectsAndTellsWhatItIs) {
    Session session = connect("alice");
    EXPECT_EQ(session.private_group(), "#alice#d1");
    EXPECT_EQ(session.address(), server_);
    EXPECT_EQ(session.daemon_version().major, 5);
    EXPECT_EQ(session.state(), SessionState::kConnected);
    EXPECT_EQ(session.poll(), 0U);
    const auto taken = Session::connect(options("alice"));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, ErrorCode::kRejectNotUnique);
    Session moved = std::move(session);
    session = connect("bob");
    EXPECT_EQ(moved.private_group(), "#alice#d1");
    EXPECT_EQ(session.private_group(), "#bob#d1");
    moved.close();
    EXPECT_EQ(moved.state(), SessionState::kClosed);
    EXPECT_EQ(moved.join("room").error().code, ErrorCode::kIllegalSession);
}

TEST_P(EveryCall, JoinsAndLeaves) {
    Session alice = connect("alice");
    Session bob = connect("bob");
    ASSERT_TRUE(alice.join("room"));
    const auto first = take<Membership>(alice.receive(support::kPatience));
    EXPECT_EQ(first.cause, Cause::kJoin);
    EXPECT_THAT(first.members, ElementsAre("#alice#d1"));
    ASSERT_TRUE(bob.join("room"));
    const auto second = take<Membership>(bob.receive(support::kPatience));
    EXPECT_EQ(second.changed_member(), "#bob#d1");
    EXPECT_THAT(second.members, testing::UnorderedElementsAre("#alice#d1", "#bob#d1"));
    EXPECT_EQ(take<Membership>(alice.receive(support::kPatience)).id, second.id);
    ASSERT_TRUE(bob.leave("room"));
    EXPECT_EQ(take<SelfLeave>(bob.receive(support::kPatience)).group, "room");
    const auto third = take<Membership>(alice.receive(support::kPatience));
    EXPECT_EQ(third.cause, Cause::kLeave);
    EXPECT_THAT(departed(second, third), ElementsAre("#bob#d1"));
    ASSERT_TRUE(bob.join("room"));
    EXPECT_EQ(take<Membership>(alice.receive(support::kPatience)).cause, Cause::kJoin);
    bob.close();
    EXPECT_EQ(take<Membership>(alice.receive(support::kPatience)).cause, Cause::kDisconnect);
}

TEST_P(EveryCall, SendsInEveryWay) {
    Session session = connect("alice");
    const std::string self = session.private_group();
    const std::array<std::string_view, 2> views = {self, "elsewhere"};
    std::uint64_t sent = 0;
    for (const auto service : {Service::kUnreliable, Service::kReliable, Service::kFifo,
                               Service::kCausal, Service::kAgreed, Service::kSafe}) {
        EXPECT_EQ(session.multicast({service, 7}, self, "plain"), ++sent);
    }
    EXPECT_EQ(session.multigroup_multicast(Service::kFifo, views, "views"), ++sent);
    EXPECT_EQ(session.multigroup_multicast(Service::kFifo, {self, "elsewhere"}, "strings"), ++sent);
    EXPECT_EQ(session.try_multicast(Service::kFifo, self, "try"), ++sent);
    EXPECT_EQ(session.try_multigroup_multicast(Service::kFifo, views, "try views"), ++sent);
    EXPECT_EQ(session.queue_multicast(Service::kFifo, self, "queued"), ++sent);
    EXPECT_EQ(session.stats().queued_messages, 1U);
    ASSERT_TRUE(session.flush());
    EXPECT_EQ(session.queue_multicast(Service::kFifo, self, "queued too"), ++sent);
    ASSERT_TRUE(session.flush(support::kPatience));
    EXPECT_EQ(session.stats().queued_bytes, 0U);
    EXPECT_EQ(session.stats().messages_out, sent);
    // RELIABLE may overtake at stock's daemon; the others are in order.
    std::vector<std::string> came;
    while (came.size() < sent) {
        const auto message = take<Message>(session.receive(support::kPatience));
        EXPECT_EQ(message.sender, self);
        if (message.text() == "plain") {
            EXPECT_EQ(message.mess_type, 7);
        } else {
            EXPECT_THAT(message.groups, testing::Contains(self));
        }
        came.emplace_back(message.text());
    }
    EXPECT_THAT(std::vector(came.begin() + 6, came.end()),
                ElementsAre("views", "strings", "try", "try views", "queued", "queued too"));
    EXPECT_EQ(session.stats().messages_in, sent);
    EXPECT_EQ(session.multicast(Service::kFifo, "", "").error().code, ErrorCode::kIllegalGroup);
    EXPECT_EQ(session.multicast(Service::kFifo, self, std::string(144'001, 'x')).error().code,
              ErrorCode::kMessageTooLong);
}

TEST_P(EveryCall, ReceivesInEveryWay) {
    Session session = connect("alice");
    const std::string self = session.private_group();
    const auto descriptor = session.descriptor();
    const auto room = session.room_descriptor();
    ASSERT_TRUE(descriptor && room);
    EXPECT_EQ(session.receive(1ms).error().code, ErrorCode::kTimedOut);
    const auto nothing = session.try_receive();
    ASSERT_TRUE(nothing) << nothing.error().text;
    EXPECT_FALSE(nothing->has_value());
    session.interrupt();
    EXPECT_EQ(session.receive().error().code, ErrorCode::kInterrupted);

    ASSERT_TRUE(session.multicast(Service::kAgreed, self, "one"));
    ASSERT_TRUE(is_readable(*descriptor, support::kPatience));
    EXPECT_EQ(take<Message>(session.receive()).text(), "one");
    ASSERT_TRUE(session.multicast(Service::kAgreed, self, "two"));
    support::wait_until("bytes to receive", [&session] { return session.poll() > 0; });
    std::optional<Event> event;
    while (!event) {  // it may be a part of a message
        auto tried = session.try_receive();
        ASSERT_TRUE(tried) << tried.error().text;
        event = std::move(*tried);
    }
    EXPECT_EQ(std::get<Message>(*event).text(), "two");

    ASSERT_TRUE(session.multicast({Service::kSafe, 3}, self, "three"));
    std::string seen;
    while (seen.empty()) {
        ASSERT_TRUE(is_readable(*descriptor, support::kPatience));
        const auto bytes = session.receive_each([&](const MessageRef& message) {
            EXPECT_TRUE(message.is_regular());
            EXPECT_EQ(message.group_count(), 1U);
            EXPECT_EQ(message.group(0), self);
            EXPECT_EQ(message.mess_type, 3);
            seen.assign(message.body.size(), '\0');
            std::transform(message.body.begin(), message.body.end(), seen.begin(),
                           [](std::byte byte) { return static_cast<char>(byte); });
        });
        ASSERT_TRUE(bytes) << bytes.error().text;
    }
    EXPECT_EQ(seen, "three");

    std::thread closer([&] { session.close(); });
    EXPECT_EQ(session.receive().error().code, ErrorCode::kIllegalSession);
    closer.join();
}

/// Runs until the operation that `start` begins with a completion function has completed; what it
/// completed with.
template <typename... Values, typename Start>
std::tuple<Values...> complete(boost::asio::io_context& context, Start start) {
    std::optional<std::tuple<Values...>> result;
    start([&](const boost::system::error_code& error, Values... values) {
        if (error) {
            throw std::runtime_error(error.message());
        }
        result.emplace(std::move(values)...);
    });
    const auto until = std::chrono::steady_clock::now() + support::kPatience;
    while (!result && std::chrono::steady_clock::now() < until) {
        context.run_one_until(until);
        context.restart();
    }
    return std::move(result.value());
}

TEST_P(EveryCall, AsynchronousForms) {
    boost::asio::io_context context;
    AsyncSession session(context.get_executor());
    EXPECT_FALSE(session.is_open());
    complete(context, [&](auto done) { session.async_connect(options("alice"), done); });
    EXPECT_TRUE(session.is_open());
    EXPECT_EQ(session.session().private_group(), "#alice#d1");
    const auto receive = [&] {
        return std::get<0>(
            complete<Event>(context, [&](auto done) { session.async_receive(done); }));
    };
    complete(context, [&](auto done) { session.async_join("room", done); });
    EXPECT_THAT(std::get<Membership>(receive()).members, ElementsAre("#alice#d1"));
    const auto [first] = complete<std::uint64_t>(context, [&](auto done) {
        session.async_multicast(Service::kAgreed, "room", "one", done);
    });
    const auto [second] = complete<std::uint64_t>(context, [&](auto done) {
        session.async_multigroup_multicast(Service::kAgreed, {"room", "#alice#d1"}, "two", done);
    });
    EXPECT_EQ(first, 1U);
    EXPECT_EQ(second, 2U);
    complete(context, [&](auto done) { session.async_flush(done); });
    EXPECT_EQ(std::get<Message>(receive()).text(), "one");
    EXPECT_EQ(std::get<Message>(receive()).text(), "two");
    complete(context, [&](auto done) { session.async_leave("room", done); });
    EXPECT_EQ(std::get<SelfLeave>(receive()).group, "room");
    bool was_aborted = false;
    session.async_receive([&](const boost::system::error_code& error, const Event&) {
        was_aborted = error == boost::asio::error::operation_aborted;
    });
    session.close();
    context.run();
    EXPECT_TRUE(was_aborted);
}

INSTANTIATE_TEST_SUITE_P(Daemons, EveryCall,
                         testing::Combine(testing::Values(DaemonKind::kOurs, DaemonKind::kStock),
                                          testing::Values(Way::kTcp, Way::kUnix)),
                         [](const auto& of) {
                             return std::string(std::get<0>(of.param) == DaemonKind::kOurs
                                                    ? "Ours"
                                                    : "Stock") +
                                    (std::get<1>(of.param) == Way::kTcp ? "Tcp" : "Unix");
                         });

}  // namespace
}  // namespace spread::system_test
