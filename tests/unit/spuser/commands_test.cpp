#include "tools/spuser/commands.hpp"

#include <gmock/gmock.h>

namespace spread::spuser {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Commands, KeepTheLettersOfTheStockProgram) {
    const auto join = parse_command("j room");
    ASSERT_TRUE(join && *join);
    EXPECT_EQ((*join)->verb, Verb::kJoin);
    EXPECT_THAT((*join)->arguments, ElementsAre("room"));
    EXPECT_EQ((*parse_command("l room"))->verb, Verb::kLeave);
    EXPECT_EQ((*parse_command("b room"))->verb, Verb::kBurst);
    EXPECT_EQ((*parse_command("r"))->verb, Verb::kReceive);
    EXPECT_EQ((*parse_command("p"))->verb, Verb::kPoll);
    EXPECT_EQ((*parse_command("e"))->verb, Verb::kEnableAsync);
    EXPECT_EQ((*parse_command("d"))->verb, Verb::kDisableAsync);
    EXPECT_EQ((*parse_command("q"))->verb, Verb::kQuit);
}

TEST(Commands, MessagesGoToSeveralGroups) {
    const auto send = parse_command("  s\troom   hall \r");
    ASSERT_TRUE(send && *send);
    EXPECT_EQ((*send)->verb, Verb::kSend);
    EXPECT_THAT((*send)->arguments, ElementsAre("room", "hall"));
    EXPECT_EQ((*parse_command("m a b c"))->arguments.size(), 3U);
}

TEST(Commands, ABlankLineIsNone) {
    EXPECT_FALSE(parse_command("")->has_value());
    EXPECT_FALSE(parse_command(" \t\r")->has_value());
}

TEST(Commands, MistakesSayHowItIsDone) {
    EXPECT_THAT(parse_command("j").error(), HasSubstr("j GROUP"));
    EXPECT_THAT(parse_command("j a b").error(), HasSubstr("j GROUP"));
    EXPECT_THAT(parse_command("s").error(), HasSubstr("s GROUP..."));
    EXPECT_THAT(parse_command("q now").error(), HasSubstr("it is: q"));
    EXPECT_THAT(parse_command("join room").error(), HasSubstr("unknown command \"join\""));
    EXPECT_THAT(parse_command("\x1b[A").error(), HasSubstr("\\x1b[A"));
}

TEST(Commands, TheMenuNamesEveryLetter) {
    for (const char* letter : {"j ", "l ", "s ", "m ", "b ", "r ", "p ", "e ", "d ", "? ", "q "}) {
        EXPECT_THAT(std::string(menu()), HasSubstr("\n  " + std::string(letter)));
    }
}

}  // namespace
}  // namespace spread::spuser
