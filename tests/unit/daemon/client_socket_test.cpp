// The parts of the session thread that need no daemon: a client's socket, its read buffer, tasks of
// other threads, and the order of stopping.

#include "daemon/clients/client_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/clients/read_buffer.hpp"
#include "daemon/clients/stop_sequence.hpp"
#include "daemon/clients/task_queue.hpp"

namespace spread::daemon {
namespace {

using namespace std::chrono_literals;
using protocol::Instant;
using ReadResult = ClientSocket::ReadResult;
using WriteResult = ClientSocket::WriteResult;

session::FrameRef frame_of(std::string_view text) {
    return session::FrameRef(
        protocol::make_message(std::as_bytes(std::span(text.data(), text.size()))));
}

TEST(TcpOptions, AHostThatHasDiedIsNoticedInMinutes) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_GE(fd.get(), 0);
    set_tcp_options(fd.get());
    const auto option = [&fd](int level, int name) {
        int value = 0;
        socklen_t size = sizeof value;
        EXPECT_EQ(::getsockopt(fd.get(), level, name, &value, &size), 0);
        return value;
    };
    EXPECT_NE(option(SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_NE(option(IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_LE(option(IPPROTO_TCP, TCP_KEEPIDLE) +
                  option(IPPROTO_TCP, TCP_KEEPCNT) * option(IPPROTO_TCP, TCP_KEEPINTVL),
              120);
}

class ClientSocketTest : public ::testing::Test {
  protected:
    ClientSocketTest() {
        int fds[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        socket = ClientSocket(protocol::SessionId{1}, UniqueFd(fds[0]));
        peer = UniqueFd(fds[1]);
    }
    void say(std::string_view text) const {
        ASSERT_EQ(::send(peer.get(), text.data(), text.size(), 0),
                  static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] std::string heard() const {
        std::string out;
        std::array<char, 65536> chunk{};
        for (;;) {
            const ssize_t count = ::recv(peer.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
            if (count <= 0) {
                return out;
            }
            out.append(chunk.data(), static_cast<std::size_t>(count));
        }
    }

    ClientSocket socket{protocol::SessionId{1}, UniqueFd()};
    UniqueFd peer;
    std::array<std::byte, 8> room{};
};

TEST_F(ClientSocketTest, StaysReadableUntilAReadIsNotFilled) {
    EXPECT_FALSE(socket.is_readable());
    say("0123456789");
    socket.note_input(EPOLLIN);
    ASSERT_TRUE(socket.is_readable());
    auto read = socket.read(room);
    EXPECT_EQ(read.result, ReadResult::kBytes);
    EXPECT_EQ(read.bytes, 8U);
    EXPECT_TRUE(socket.is_readable()) << "there may be more";
    read = socket.read(room);
    EXPECT_EQ(read.bytes, 2U);
    EXPECT_FALSE(socket.is_readable());
    EXPECT_EQ(socket.read(room).result, ReadResult::kNothing);
}

TEST_F(ClientSocketTest, StaysReadableUntilTheEndOnceThatIsAnnounced) {
    say("01");
    ::shutdown(peer.get(), SHUT_WR);
    EXPECT_TRUE(socket.has_hung_up()) << "although there are bytes to read";
    socket.note_input(EPOLLIN | EPOLLRDHUP);
    EXPECT_EQ(socket.read(room).bytes, 2U);
    EXPECT_TRUE(socket.is_readable());
    EXPECT_EQ(socket.read(room).result, ReadResult::kEnd);
}

TEST_F(ClientSocketTest, IsOnOneListAtATime) {
    EXPECT_TRUE(socket.enlist());
    EXPECT_FALSE(socket.enlist());
    socket.delist();
    EXPECT_TRUE(socket.enlist());
}

TEST_F(ClientSocketTest, WritesManyFramesInOneCallAndTheRestWhenThereIsRoom) {
    session::OutboundQueue queue;
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
        const std::string text(301, static_cast<char>('a' + i % 26));
        queue.push(frame_of(text));
        expected += text;
    }
    std::string received;
    int full = 0;
    int calls = 0;
    while (!queue.empty()) {
        const auto written = socket.write(queue);
        ++calls;
        if (written.result == WriteResult::kFull) {
            ++full;
            received += heard();
            continue;
        }
        ASSERT_EQ(written.result, WriteResult::kTaken);
        queue.consume(written.bytes);
    }
    received += heard();
    EXPECT_TRUE(received == expected);
    EXPECT_GT(full, 0);
    EXPECT_LT(calls, 300);
}

TEST_F(ClientSocketTest, AClosedPeerIsAResultAndNoSignal) {
    peer.reset();
    session::OutboundQueue queue;
    queue.push(frame_of("nobody reads this"));
    EXPECT_EQ(socket.write(queue).result, WriteResult::kBroken);
    EXPECT_TRUE(socket.has_hung_up());
}

TEST_F(ClientSocketTest, AfterShutDownThePeerSeesTheEndAndMayStillBeRead) {
    socket.shut_down();
    char byte = 0;
    EXPECT_EQ(::recv(peer.get(), &byte, 1, 0), 0);
    say("last words");
    EXPECT_EQ(socket.read(room).bytes, 8U);
    socket.drain();
    EXPECT_EQ(socket.read(room).result, ReadResult::kNothing);
}

TEST(ReadBuffer, GivesRoomBehindWhatIsInUseAndStartsOverWhenNothingIs) {
    ReadBuffer buffer;
    auto room = buffer.room();
    ASSERT_EQ(room.size(), ReadBuffer::kBlockBytes);
    const std::byte* start = room.data();
    {
        const auto slice = buffer.take(ReadBuffer::kBlockBytes - ReadBuffer::kRoomMin);
        EXPECT_EQ(slice.bytes().data(), start);
        room = buffer.room();
        EXPECT_EQ(room.size(), ReadBuffer::kRoomMin);
        EXPECT_EQ(room.data(), slice.bytes().data() + slice.length);
        const auto more = buffer.take(1);
        room = buffer.room();
        EXPECT_EQ(room.size(), ReadBuffer::kBlockBytes) << "too little was left";
        EXPECT_NE(room.data(), start) << "somebody still has the block";
        EXPECT_EQ(more.length, 1U);
    }
    start = room.data();
    static_cast<void>(buffer.take(ReadBuffer::kBlockBytes));
    EXPECT_EQ(buffer.room().data(), start) << "nobody has it any more";
}

TEST(TaskQueue, RunsTasksOfOtherThreadsInOrderAndThoseTheyPostTheNextTime) {
    TaskQueue tasks;
    std::vector<int> ran;
    std::thread([&] {
        tasks.post([&] {
            ran.push_back(1);
            tasks.post([&] { ran.push_back(3); });
        });
        tasks.post([&] { ran.push_back(2); });
    }).join();
    EXPECT_TRUE(tasks.has_tasks());
    tasks.run();
    EXPECT_EQ(ran, (std::vector<int>{1, 2}));
    EXPECT_TRUE(tasks.has_tasks());
    tasks.run();
    EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
    EXPECT_FALSE(tasks.has_tasks());
    tasks.run();
}

TEST(StopSequence, LeavesTheRingThenClosesClientsThenStops) {
    StopSequence stopping;
    EXPECT_TRUE(stopping.is_serving());
    EXPECT_FALSE(stopping.leave(Instant(1s), true)) << "nobody has asked for it";
    EXPECT_TRUE(stopping.begin(Instant(1s)));
    EXPECT_FALSE(stopping.begin(Instant(1s)));
    EXPECT_EQ(stopping.until(), Instant(1s) + StopSequence::kLeaveTimeout);
    EXPECT_FALSE(stopping.leave(Instant(1s) + 399ms, false));
    EXPECT_TRUE(stopping.leave(Instant(1s) + 399ms, true));
    EXPECT_FALSE(stopping.leave(Instant(1s) + 399ms, true)) << "once";
    stopping.flush(Instant(1s) + 400ms, false);
    EXPECT_FALSE(stopping.is_stopped());
    stopping.flush(Instant(1s) + 400ms, true);
    EXPECT_TRUE(stopping.is_stopped());
}

TEST(StopSequence, GivesUpOnARingAndOnClientsThatTakeTooLong) {
    StopSequence stopping;
    EXPECT_TRUE(stopping.begin(Instant(1s)));
    EXPECT_TRUE(stopping.leave(Instant(1s) + 400ms, false));
    stopping.flush(Instant(1s) + 599ms, false);
    EXPECT_EQ(stopping.phase(), StopSequence::Phase::kFlushing);
    stopping.flush(Instant(1s) + 600ms, false);
    EXPECT_TRUE(stopping.is_stopped());
}

}  // namespace
}  // namespace spread::daemon
