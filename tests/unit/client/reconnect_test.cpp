// What a session does when its daemon goes: to another one, as another member, without hiding it.

#include <filesystem>
#include <thread>

#include <gmock/gmock.h>

#include "scripted_daemon.hpp"
#include "spread/session.hpp"

namespace spread {
namespace {

using client::testing::Bytes;
using client::testing::bytes_of;
using client::testing::frame;
using client::testing::ScriptedDaemon;
using client::testing::ScriptedListener;
using client::testing::welcome;
using client::testing::operator+;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::chrono::milliseconds kSoon{10'000};
constexpr std::chrono::milliseconds kNow{0};

Bytes join_of(std::string_view self, const std::string& group) {
    return frame(protocol::kJoinMess, self, {group}, {});
}

class ReconnectTest : public ::testing::Test {
  protected:
    ReconnectTest()
        : directory_(std::filesystem::temp_directory_path() /
                     ("spread-reconnect-" + std::to_string(getpid()) + "-" +
                      ::testing::UnitTest::GetInstance()->current_test_info()->name())),
          second_((std::filesystem::create_directory(directory_), directory_ / "d2")) {
        options_.servers = {directory_ / "d1", second_.path()};
        options_.private_name = "alice";
        options_.reconnect.emplace();
        options_.reconnect->wait_min = std::chrono::milliseconds(5);
        options_.reconnect->wait_max = std::chrono::milliseconds(10);
    }
    ~ReconnectTest() override { std::filesystem::remove_all(directory_); }
    ReconnectTest(const ReconnectTest&) = delete;
    ReconnectTest& operator=(const ReconnectTest&) = delete;

    /// What the client says behind its handshake, once it has said that much.
    static Bytes heard_after_handshake(const ScriptedDaemon& daemon, std::size_t bytes) {
        constexpr std::size_t kHandshake = 10 + protocol::kAuthChoiceBytes;
        Bytes heard;
        while (heard.size() < kHandshake + bytes) {
            EXPECT_TRUE(client::wait_readable(daemon.descriptor(), client::Clock::now() + kSoon));
            const auto more = daemon.heard();
            if (more.empty()) {
                break;
            }
            heard = heard + more;
        }
        heard.erase(heard.begin(), heard.begin() + static_cast<std::ptrdiff_t>(
                                                       std::min(kHandshake, heard.size())));
        return heard;
    }

    std::filesystem::path directory_;
    ScriptedListener second_;
    ScriptedDaemon first_;
    Options options_;
};

TEST_F(ReconnectTest, TheGapIsAnEventBetweenTheOldAndTheNew) {
    Session session = first_.session(options_);
    ASSERT_TRUE(session.join("room"));
    ASSERT_TRUE(session.join("hall"));
    ASSERT_TRUE(session.leave("hall"));
    first_.say(frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of("old")));
    first_.hang_up();
    EXPECT_EQ(std::get<Message>(*session.receive(kSoon)).text(), "old");
    const auto gone = std::get<Disconnected>(*session.receive(kSoon));
    EXPECT_TRUE(gone.will_reconnect);
    EXPECT_EQ(gone.private_group, "#alice#d1");
    EXPECT_EQ(session.state(), SessionState::kReconnecting);
    EXPECT_EQ(session.multicast(Service::kAgreed, "room", "x").error().code,
              ErrorCode::kConnectionClosed);

    const auto daemon = second_.accept(
        welcome("#alice#d2") + frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of("new")));
    const auto back = std::get<Reconnected>(*session.receive(kSoon));
    EXPECT_EQ(back.private_group, "#alice#d2");
    EXPECT_EQ(back.address, second_.path());
    EXPECT_THAT(back.rejoining, ElementsAre("room"));
    EXPECT_EQ(session.private_group(), "#alice#d2");
    EXPECT_EQ(session.state(), SessionState::kConnected);
    EXPECT_EQ(session.stats().reconnects, 1U);
    EXPECT_EQ(heard_after_handshake(daemon, 80), join_of("#alice#d2", "room"));
    EXPECT_EQ(std::get<Message>(*session.receive(kSoon)).text(), "new");
    ASSERT_TRUE(session.multicast(Service::kAgreed, "room", "again"));
    EXPECT_EQ(daemon.heard(),
              frame(protocol::kAgreedMess, "#alice#d2", {"room"}, bytes_of("again")));
}

TEST_F(ReconnectTest, AProgramThatOnlySendsReconnectsAsWell) {
    Session session = first_.session(options_);
    ASSERT_TRUE(session.multicast(Service::kAgreed, "room", "one"));
    first_.hang_up();
    std::jthread accepting([&] {
        const auto daemon = second_.accept(welcome("#alice#d2"));
        EXPECT_EQ(heard_after_handshake(daemon, 83),
                  frame(protocol::kAgreedMess, "#alice#d2", {"room"}, bytes_of("new")));
    });
    Result<std::uint64_t> sent = std::uint64_t{0};
    const auto deadline = client::Clock::now() + kSoon;
    do {
        sent = session.multicast(Service::kAgreed, "room", "new");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while (!sent && client::Clock::now() < deadline);
    ASSERT_TRUE(sent);
    accepting.join();
    EXPECT_TRUE(std::holds_alternative<Disconnected>(*session.receive(kNow)));
    EXPECT_TRUE(std::holds_alternative<Reconnected>(*session.receive(kNow)));
}

TEST_F(ReconnectTest, TheDescriptorStaysTheSame) {
    Session session = first_.session(options_);
    const int descriptor = *session.descriptor();
    first_.hang_up();
    std::vector<Event> events;
    ScriptedDaemon daemon;
    while (events.size() < 3) {
        ASSERT_TRUE(client::wait_readable(descriptor, client::Clock::now() + kSoon));
        auto event = session.try_receive();
        ASSERT_TRUE(event);
        if (!*event) {
            continue;
        }
        events.push_back(std::move(**event));
        if (events.size() == 1) {
            daemon = second_.accept(welcome("#alice#d2"));
        } else if (events.size() == 2) {
            daemon.say(frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of("new")));
        }
    }
    EXPECT_TRUE(std::holds_alternative<Disconnected>(events[0]));
    EXPECT_TRUE(std::holds_alternative<Reconnected>(events[1]));
    EXPECT_EQ(std::get<Message>(events[2]).text(), "new");
}

TEST_F(ReconnectTest, ANameStillInUseIsOnlyAFailedAttempt) {
    Session session = first_.session(options_);
    first_.hang_up();
    EXPECT_TRUE(std::holds_alternative<Disconnected>(*session.receive(kSoon)));
    const Bytes not_unique{std::byte{0xfa}};
    for (int i = 0; i < 3; ++i) {
        static_cast<void>(second_.accept(not_unique));
    }
    const auto daemon = second_.accept(welcome("#alice#d2"));
    EXPECT_EQ(std::get<Reconnected>(*session.receive(kSoon)).private_group, "#alice#d2");
}

TEST_F(ReconnectTest, ANameInUseForGoodEndsTheSessionOrIsGivenUp) {
    const Bytes not_unique{std::byte{0xfa}};
    options_.reconnect->name_in_use_max = std::chrono::milliseconds(0);
    {
        Session session = first_.session(options_);
        first_.hang_up();
        EXPECT_TRUE(std::get<Disconnected>(*session.receive(kSoon)).will_reconnect);
        static_cast<void>(second_.accept(not_unique));
        const auto end = std::get<Disconnected>(*session.receive(kSoon));
        EXPECT_EQ(end.error.code, ErrorCode::kRejectNotUnique);
        EXPECT_FALSE(end.will_reconnect);
        EXPECT_EQ(session.receive(kNow).error().code, ErrorCode::kRejectNotUnique);
    }
    options_.reconnect->may_change_name = true;
    ScriptedDaemon another;
    Session session = another.session(options_);
    another.hang_up();
    EXPECT_TRUE(std::holds_alternative<Disconnected>(*session.receive(kSoon)));
    static_cast<void>(second_.accept(not_unique));
    const auto daemon = second_.accept(welcome("#r1-1#d2"));
    EXPECT_EQ(std::get<Reconnected>(*session.receive(kSoon)).private_group, "#r1-1#d2");
    const auto heard = daemon.heard();
    EXPECT_EQ(protocol::decode_connect(heard)->value().request.private_name, "");
}

TEST_F(ReconnectTest, GivesUpAfterTheWantedRounds) {
    options_.servers = {directory_ / "nobody"};
    options_.reconnect->rounds_max = 2;
    Session session = first_.session(options_);
    first_.hang_up();
    EXPECT_TRUE(std::get<Disconnected>(*session.receive(kSoon)).will_reconnect);
    const auto end = std::get<Disconnected>(*session.receive(kSoon));
    EXPECT_FALSE(end.will_reconnect);
    EXPECT_EQ(end.error.code, ErrorCode::kCouldNotConnect);
    EXPECT_THAT(end.unsent, IsEmpty());
    EXPECT_EQ(session.state(), SessionState::kEnded);
}

TEST_F(ReconnectTest, CloseEndsTheSearch) {
    options_.servers = {directory_ / "nobody"};
    Session session = first_.session(options_);
    first_.hang_up();
    EXPECT_TRUE(std::holds_alternative<Disconnected>(*session.receive(kSoon)));
    std::jthread closer([&] { session.close(); });
    EXPECT_EQ(session.receive().error().code, ErrorCode::kIllegalSession);
}

TEST_F(ReconnectTest, LeavingWithoutAConnectionKeepsUsFromRejoining) {
    Session session = first_.session(options_);
    ASSERT_TRUE(session.join("room"));
    first_.hang_up();
    EXPECT_TRUE(std::holds_alternative<Disconnected>(*session.receive(kSoon)));
    EXPECT_TRUE(session.leave("room"));
    const auto daemon = second_.accept(welcome("#alice#d2"));
    EXPECT_THAT(std::get<Reconnected>(*session.receive(kSoon)).rejoining, IsEmpty());
}

}  // namespace
}  // namespace spread
