// The flight recorder's memory, its recordings as files, and what a dying process leaves.

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/signal_stack.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"
#include "daemon/ring/flight_dumps.hpp"
#include "daemon/ring/flight_file.hpp"
#include "daemon/ring/flight_memory.hpp"
#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

using protocol::DaemonId;
using testing::HasSubstr;

constexpr DaemonId kOne{1};
constexpr DaemonId kTwo{2};
const protocol::Roster kRoster({{kOne, "left"}, {kTwo, "right"}});
constexpr protocol::RingId kRing{kTwo, 5, 77};

std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

tl::expected<FlightLog, std::string> decoded(const std::string& bytes) {
    return decode_flight(std::as_bytes(std::span(bytes)));
}

void record_a_little(const FlightMemory& memory) {
    driver::FlightRecorder recorder(memory.slots(), {kOne, kTwo});
    recorder.set_time(protocol::Instant(std::chrono::microseconds(1'500'250)));
    recorder.note(membership::RecoveryFacts{12, true, false});
    const membership::DeliveryEvent event = membership::ConfigurationChange{
        membership::ConfigurationKind::kRegular, kRing, {kOne, kTwo}};
    recorder.note({&event, 1});
}

TEST(FlightMemory, SaysWhatWasRecorded) {
    const FlightMemory memory(kOne, kRoster);
    record_a_little(memory);
    const auto log = decoded(memory.recording());
    ASSERT_TRUE(log) << log.error();
    EXPECT_EQ(log->self, kOne);
    EXPECT_EQ(log->lost, 0U);
    EXPECT_EQ(flight_text(*log),
              "   1.500250 left G ~ recovers 12 packets, a hole\n"
              "   1.500250 left G * regular (right,77) { left right }\n");
}

TEST(FlightMemory, KnowsTheClockOfTheDay) {
    const FlightMemory memory(kOne, kRoster);
    record_a_little(memory);
    auto log = decoded(memory.recording());
    ASSERT_TRUE(log) << log.error();
    EXPECT_NE(log->to_unix_ns, 0);
    log->to_unix_ns = 1'772'366'400'000'000'000;
    EXPECT_THAT(flight_legend(*log),
                HasSubstr("#    1.500250 is 2026-03-01 12:00:01.500Z by this host's clock\n"));
    for (const std::int64_t damaged : {std::int64_t{0}, std::numeric_limits<std::int64_t>::min()}) {
        log->to_unix_ns = damaged;
        EXPECT_THAT(flight_legend(*log), testing::Not(HasSubstr("host's clock")));
    }
}

TEST(FlightMemory, AFileOutlivesIt) {
    const TemporaryDirectory directory;
    const std::string file = directory.path() + "/ring";
    { record_a_little(FlightMemory(kOne, kRoster, file)); }
    const auto log = decoded(content_of(file));
    ASSERT_TRUE(log) << log.error();
    EXPECT_EQ(log->events.size(), 2U);
    EXPECT_THROW(FlightMemory(kOne, kRoster, directory.path() + "/nowhere/ring"), StartupError);
}

TEST(FlightFile, EventsThatAreGoneAreCounted) {
    const FlightMemory memory(kOne, kRoster);
    driver::FlightRecorder recorder(memory.slots(), {kOne, kTwo});
    for (std::size_t i = 0; i < FlightMemory::kEvents + 3; ++i) {
        recorder.note_resume(kRing);
    }
    const auto log = decoded(memory.recording());
    ASSERT_TRUE(log);
    EXPECT_EQ(log->events.size(), FlightMemory::kEvents);
    EXPECT_EQ(log->lost, 3U);
    EXPECT_THAT(flight_text(*log), testing::StartsWith("# the 3 events before are not kept\n"));
}

TEST(FlightFile, RefusesWhatIsNone) {
    EXPECT_FALSE(decoded(""));
    EXPECT_FALSE(decoded(std::string(kFlightHeaderBytes - 1, 'x')));
    EXPECT_FALSE(decoded(std::string(kFlightHeaderBytes + 64, 'x')));
    std::string good = FlightMemory(kOne, kRoster).recording();
    ASSERT_TRUE(decoded(good));
    good[13] = 1;  // 258 daemons
    EXPECT_FALSE(decoded(good));
}

void append(std::string& bytes, const driver::FlightEvent& event) {
    const driver::FlightWords words = driver::words_of(event);
    bytes.append(reinterpret_cast<const char*>(words.data()), sizeof words);  // NOLINT: bytes
}

TEST(FlightFile, ShowsPacketsAndRefusals) {
    std::string bytes = FlightMemory(kOne, kRoster).recording();
    driver::FlightEvent event;
    event.number = 1;
    event.kind = driver::FlightEvent::Kind::kPacket;
    event.message_kind = static_cast<std::uint8_t>(protocol::PacketKind::kCommit);
    event.ring_counter = 77;
    event.ring_representative = kTwo.value;
    event.b = kTwo.value;
    append(bytes, event);
    event.number = 2;
    event.kind = driver::FlightEvent::Kind::kRefused;
    event.seq = 9;
    event.a = driver::Refused::kMalformed;
    append(bytes, event);
    const auto log = decoded(bytes);
    ASSERT_TRUE(log);
    EXPECT_THAT(flight_text(*log), HasSubstr(" left G } commit-token (right,77) of right\n"));
    EXPECT_THAT(flight_text(*log), HasSubstr("9 datagrams refused by now, the last one malformed"));
}

TEST(FlightFile, ShowsEventsThatItDoesNotKnow) {
    std::string bytes = FlightMemory(kOne, kRoster).recording();
    driver::FlightEvent event;
    event.number = 1;
    event.kind = static_cast<driver::FlightEvent::Kind>(200);
    append(bytes, event);
    event.number = 2;
    event.kind = driver::FlightEvent::Kind::kState;
    event.to = 77;
    event.a = 1000;
    append(bytes, event);
    bytes += "rest";
    const auto log = decoded(bytes);
    ASSERT_TRUE(log);
    EXPECT_THAT(flight_text(*log), HasSubstr("an event of kind 200"));
}

TEST(FlightDeathTest, AProcessThatEndsByAFaultLeavesItsRecording) {
    const TemporaryDirectory directory;
    const UniqueFd fd(::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // To other signals sanitizers answer themselves.
    for (const int number : {SIGABRT, SIGSYS}) {
        EXPECT_EXIT(
            {
                const FlightMemory memory(kOne, kRoster);
                const CrashRecording crashes(memory, {fd.get(), directory.path(), kOne});
                record_a_little(memory);
                std::raise(number);
            },
            testing::KilledBySignal(number), "");
        const std::string file = directory.path() + "/daemon-1.crash.flight";
        const auto log = decoded(content_of(file));
        ASSERT_TRUE(log) << log.error();
        EXPECT_EQ(log->events.size(), 2U);
        std::remove(file.c_str());
    }
}

/// Needs a frame for each call, until there is no room for one.
[[gnu::noinline]] std::size_t recurse(volatile std::size_t* above, std::size_t depth) {
    constexpr std::size_t kWords = 128;
    volatile std::size_t frame[kWords] = {};  // NOLINT(*-avoid-c-arrays)
    frame[depth % kWords] = *above;
    const std::size_t deeper = depth > 0 ? recurse(&frame[depth % kWords], depth + 1) : 0;
    return deeper + frame[0];
}

/// g++ says so by macros, clang by features.
constexpr bool kHasSanitizer =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    true;
#else
    false;
#endif
#else
    false;
#endif

TEST(FlightDeathTest, AStackOverflowLeavesARecordingAsWell) {
    if (kHasSanitizer) {
        GTEST_SKIP() << "sanitizers answer stack overflows themselves";
    }
    const TemporaryDirectory directory;
    const UniqueFd fd(::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_EXIT(
        {
            const FlightMemory memory(kOne, kRoster);
            const CrashRecording crashes(memory, {fd.get(), directory.path(), kOne});
            record_a_little(memory);
            std::thread([] {
                const SignalStack stack;
                volatile std::size_t start = 1;
                recurse(&start, 1);
            }).join();
        },
        testing::KilledBySignal(SIGSEGV), "");
    const auto log = decoded(content_of(directory.path() + "/daemon-1.crash.flight"));
    ASSERT_TRUE(log) << log.error();
    EXPECT_EQ(log->events.size(), 2U);
}

TEST(SignalStack, EndsWithItsObject) {
    std::thread([] {
        stack_t before{};
        ::sigaltstack(nullptr, &before);
        {
            const SignalStack stack;
            stack_t now{};
            ::sigaltstack(nullptr, &now);
            EXPECT_EQ(now.ss_flags, 0);
            EXPECT_EQ(now.ss_size, SignalStack::kBytes);
        }
        stack_t after{};
        ::sigaltstack(nullptr, &after);
        EXPECT_EQ(after.ss_flags, before.ss_flags);
        EXPECT_EQ(after.ss_sp, before.ss_sp);
    }).join();
}

TEST(CrashRecording, EndsWithItsObject) {
    struct sigaction before {};
    struct sigaction after {};
    ::sigaction(SIGABRT, nullptr, &before);
    {
        const FlightMemory memory(kOne, kRoster);
        const CrashRecording crashes(memory, {0, "", kOne});
    }
    ::sigaction(SIGABRT, nullptr, &after);
    EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(FlightDumps, WritesWhenTheRingChangesOverTheOldestOfFourFiles) {
    const TemporaryDirectory directory;
    const UniqueFd fd(::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const FlightPlace place{fd.get(), directory.path(), kOne};
    const FlightMemory memory(kOne, kRoster);
    record_a_little(memory);
    const auto exists = [&](int number) {
        return std::ifstream(directory.path() + "/daemon-1." + std::to_string(number) + ".flight")
            .good();
    };
    for (int each = 0; each < 5; ++each) {
        FlightDumps dumps(memory, place);
        dumps.note_change();
        dumps.note_change();  // within a minute: not before that is over
        while (!exists(std::min(each, 3))) {
            std::this_thread::yield();
        }
    }
    EXPECT_FALSE(exists(4));
    const auto log = decoded(content_of(directory.path() + "/daemon-1.0.flight"));
    ASSERT_TRUE(log) << log.error();
    EXPECT_EQ(log->events.size(), 2U);
}

}  // namespace
}  // namespace spread::daemon
