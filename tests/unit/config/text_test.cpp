#include "config/text.hpp"

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace spread::config {
namespace {

using namespace std::string_view_literals;

constexpr std::array<std::string_view, 4> kWords = {"DangerousMonitor", "Window", "INFO", "D"};

TEST(InQuotes, ShowsBytesThatCannotBePrintedAsHexadecimal) {
    EXPECT_EQ(in_quotes("d1"), "'d1'");
    EXPECT_EQ(in_quotes("a\tb\n"), "'a\\x09b\\x0a'");
    EXPECT_EQ(in_quotes("\0\x7f\x1b"sv), "'\\x00\\x7f\\x1b'");
}

TEST(InQuotes, KeepsValidUtf8AndShowsTheRestAsHexadecimal) {
    EXPECT_EQ(in_quotes("m\xC3\xB6nch"), "'m\xC3\xB6nch'");
    EXPECT_EQ(in_quotes("\xE2\x82\xAC \xF0\x9F\x98\x80"), "'\xE2\x82\xAC \xF0\x9F\x98\x80'");
    EXPECT_EQ(in_quotes("\xC3"), "'\\xc3'");
    EXPECT_EQ(in_quotes("\xC0\xAF"), "'\\xc0\\xaf'");           // overlong
    EXPECT_EQ(in_quotes("\xED\xA0\x80"), "'\\xed\\xa0\\x80'");  // surrogate
    EXPECT_EQ(in_quotes("\xC2\x9B"), "'\\xc2\\x9b'");           // C1 control
    EXPECT_EQ(in_quotes("\xF5\x80\x80\x80"), "'\\xf5\\x80\\x80\\x80'");
}

TEST(InQuotes, CutsLongText) {
    EXPECT_EQ(in_quotes(std::string(5000, 'n')), "'" + std::string(40, 'n') + "...'");
    EXPECT_EQ(in_quotes(std::string(40, 'n')), "'" + std::string(40, 'n') + "'");
}

TEST(Nearest, FindsTheWordThatWasMeant) {
    EXPECT_EQ(nearest("DangerousMonitr", kWords), "DangerousMonitor");
    EXPECT_EQ(nearest("dangerousmonitor", kWords), "DangerousMonitor");
    EXPECT_EQ(nearest("DangreousMonitor", kWords), "DangerousMonitor");
    EXPECT_EQ(nearest("info", kWords), "INFO");
    EXPECT_EQ(nearest("windwo", kWords), "Window");
    EXPECT_EQ(nearest("d", kWords), "D");
}

TEST(Nearest, SuggestsNothingForAWordThatIsFarFromAll) {
    EXPECT_EQ(nearest("TurboMode", kWords), "");
    EXPECT_EQ(nearest("X", kWords), "");
    EXPECT_EQ(nearest("", kWords), "");
    EXPECT_EQ(nearest(std::string(5000, 'D'), kWords), "");
}

}  // namespace
}  // namespace spread::config
