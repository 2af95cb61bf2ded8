// The adapter for Boost.Asio, with callbacks and, where the compiler has them, coroutines.

#include "spread/asio.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>

#include "tests/unit/client/scripted_daemon.hpp"

namespace spread {
namespace {

using boost::asio::io_context;
using boost::system::error_code;
using client::testing::bytes_of;
using client::testing::frame;
using client::testing::ScriptedDaemon;

client::testing::Bytes from_bob(std::string_view text) {
    return frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of(text));
}

TEST(AsyncSession, ReceivesWhatComesLater) {
    ScriptedDaemon daemon;
    io_context io;
    AsyncSession session(io.get_executor(), daemon.session());
    std::string text;
    session.async_receive([&](const error_code& error, Event event) {
        EXPECT_FALSE(error);
        text = std::get<Message>(event).text();
    });
    io.poll();
    EXPECT_EQ(text, "");
    daemon.say(from_bob("hello"));
    io.run();
    EXPECT_EQ(text, "hello");
}

TEST(AsyncSession, OneReceiveAtATime) {
    ScriptedDaemon daemon;
    io_context io;
    AsyncSession session(io.get_executor(), daemon.session());
    session.async_receive([](const error_code&, const Event&) {});
    error_code second;
    session.async_receive([&](const error_code& error, const Event&) { second = error; });
    io.poll();
    EXPECT_EQ(second, boost::asio::error::already_started);
}

TEST(AsyncSession, ASendWaitsForRoomWithoutAReceiver) {
    ScriptedDaemon daemon;
    Options options;
    options.send_queue_bytes_max = 200'000;
    io_context io;
    AsyncSession session(io.get_executor(), daemon.session(options));
    daemon.say(from_bob("unread"));  // must not keep the loop busy, nor be lost
    const std::string body(100'000, 'x');
    constexpr int kMessages = 20;
    int done = 0;
    for (int i = 0; i < kMessages; ++i) {
        session.async_multicast(Service::kAgreed, "room", body,
                                [&](const error_code& error, std::uint64_t sequence) {
                                    EXPECT_FALSE(error);
                                    ++done;
                                    EXPECT_EQ(sequence, static_cast<std::uint64_t>(done));
                                });
    }
    EXPECT_LT(io.poll(), 50U);
    EXPECT_LT(done, kMessages);
    bool is_flushed = false;
    session.async_flush([&](const error_code& error) {
        EXPECT_FALSE(error);
        is_flushed = true;
    });
    std::size_t heard = 0;
    while (!is_flushed) {
        heard += daemon.heard().size();
        io.poll();
    }
    heard += daemon.heard().size();
    EXPECT_EQ(done, kMessages);
    EXPECT_EQ(heard, kMessages * 100'080U);
    std::string text;
    session.async_receive(
        [&](const error_code&, Event event) { text = std::get<Message>(event).text(); });
    io.restart();
    io.run();
    EXPECT_EQ(text, "unread");
}

TEST(AsyncSession, CloseEndsWhatIsUnderWay) {
    ScriptedDaemon daemon;
    io_context io;
    AsyncSession session(io.get_executor(), daemon.session());
    error_code received;
    session.async_receive([&](const error_code& error, const Event&) { received = error; });
    io.poll();
    session.close();
    io.run();
    EXPECT_EQ(received, boost::asio::error::operation_aborted);
    error_code joined;
    session.async_join("room", [&](const error_code& error) { joined = error; });
    io.restart();
    io.run();
    EXPECT_EQ(joined, make_error_code(ErrorCode::kIllegalSession));
}

TEST(AsyncSession, ErrorsHaveTheStockCodesAndAText) {
    ScriptedDaemon daemon;
    io_context io;
    AsyncSession session(io.get_executor(), daemon.session());
    error_code joined;
    session.async_join("no blanks", [&](const error_code& error) { joined = error; });
    io.run();
    EXPECT_EQ(joined.value(), -14);
    EXPECT_THAT(session.last_error().text, testing::HasSubstr("no blanks"));
}

TEST(AsyncSession, ConnectingTellsWhyNot) {
    io_context io;
    AsyncSession session(io.get_executor());
    Options options;
    options.servers = {"nonsense"};
    auto connected = session.async_connect(options, boost::asio::use_future);
    io.run();
    EXPECT_THROW(connected.get(), boost::system::system_error);
    EXPECT_FALSE(session.is_open());
    EXPECT_EQ(session.last_error().code, ErrorCode::kIllegalAddress);
}

#if defined(BOOST_ASIO_HAS_CO_AWAIT)

boost::asio::awaitable<std::string> talk(AsyncSession& session) {
    using boost::asio::use_awaitable;
    co_await session.async_join("room", use_awaitable);
    co_await session.async_multicast(Service::kAgreed, "room", "hi", use_awaitable);
    const Event event = co_await session.async_receive(use_awaitable);
    co_await session.async_leave("room", use_awaitable);
    co_return std::string(std::get<Message>(event).text());
}

TEST(AsyncSession, WorksInACoroutine) {
    ScriptedDaemon daemon;
    io_context io;
    AsyncSession session(io.get_executor(), daemon.session());
    daemon.say(from_bob("hello"));
    std::string text;
    boost::asio::co_spawn(io, talk(session),
                          [&](const std::exception_ptr& failure, std::string got) {
                              EXPECT_FALSE(failure);
                              text = std::move(got);
                          });
    io.run();
    EXPECT_EQ(text, "hello");
    EXPECT_EQ(daemon.heard().size(), 80U + 82U + 80U);
}

#endif

}  // namespace
}  // namespace spread
