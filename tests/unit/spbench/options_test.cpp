#include "tools/spbench/options.hpp"

#include <gmock/gmock.h>

#include "protocol/session_wire.hpp"

namespace spread::spbench {
namespace {

ParsedOptions parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "spbench");
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    auto parsed = parse_options(static_cast<int>(arguments.size()), arguments.data());
    ::testing::internal::GetCapturedStdout();
    ::testing::internal::GetCapturedStderr();
    return parsed;
}

TEST(Options, TheModeMayStandAnywhere) {
    const auto parsed = parse({"-d", "4803@a", "fanout", "-d", "ns:n:4803@b", "--pid", "7"});
    ASSERT_FALSE(parsed.exit_status);
    EXPECT_EQ(parsed.options.mode, Mode::kFanout);
    EXPECT_THAT(parsed.options.daemons, ::testing::ElementsAre("4803@a", "ns:n:4803@b"));
    EXPECT_THAT(parsed.options.watched.pids, ::testing::ElementsAre(7));
}

TEST(Options, TheDefaultsAreALoadOnTheLocalDaemon) {
    const auto parsed = parse({});
    ASSERT_FALSE(parsed.exit_status);
    EXPECT_EQ(parsed.options.mode, Mode::kLoad);
    EXPECT_THAT(parsed.options.daemons, ::testing::ElementsAre("4803"));
    EXPECT_EQ(parsed.options.service, protocol::kAgreedMess);
    EXPECT_EQ(parsed.options.duration, 5 * kSecond);
}

TEST(Options, TheWindowShrinksWithThePayload) {
    EXPECT_EQ(parse({"-b", "100"}).options.window_or_default(), 1000U);
    EXPECT_EQ(parse({"-b", "20000"}).options.window_or_default(), 100U);
    EXPECT_EQ(parse({"-b", "143968"}).options.window_or_default(), 16U);
    EXPECT_EQ(parse({"-b", "143968", "-w", "3"}).options.window_or_default(), 3U);
}

TEST(Options, AskingForHelpIsNoError) {
    EXPECT_EQ(parse({"--help"}).exit_status, 0);
    EXPECT_EQ(parse({"--version"}).exit_status, 0);
}

TEST(Options, MistakesAreUsageErrors) {
    for (const auto& arguments : std::vector<std::vector<const char*>>{
             {"bogus"},
             {"--bogus"},
             {"-b", "15"},
             {"-b", "143969"},
             {"--service", "quick"},
             {"-d", "localhost"},
             {"-g", "2"},
             {"-g", "2", "-R", "2"},
             {"--rate", "5", "-w", "5"},
             {"joins", "--rate", "5"},
             {"-t", "0"},
             {"-S", "0"},
             {"-S", "65535"},
         }) {
        EXPECT_EQ(parse(arguments).exit_status, 2) << arguments.front();
    }
}

}  // namespace
}  // namespace spread::spbench
