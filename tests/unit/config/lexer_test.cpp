#include "config/lexer.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/diagnostics.hpp"

namespace spread::config {
namespace {

using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Lexed {
    std::vector<Token> tokens;  ///< without the last one, kEnd
    std::vector<Diagnostic> problems;
};

Lexed lex(std::string_view text) {
    Diagnostics diagnostics;
    Lexer lexer(text, diagnostics);
    Lexed lexed;
    while (true) {
        Token token = lexer.next();
        if (token.kind == TokenKind::kEnd) {
            break;
        }
        lexed.tokens.push_back(token);
    }
    lexed.problems = diagnostics.take();
    return lexed;
}

std::vector<std::string> texts(std::string_view text) {
    std::vector<std::string> result;
    for (const Token& token : lex(text).tokens) {
        result.emplace_back(token.text);
    }
    return result;
}

std::vector<TokenKind> kinds(std::string_view text) {
    std::vector<TokenKind> result;
    for (const Token& token : lex(text).tokens) {
        result.push_back(token.kind);
    }
    return result;
}

TokenKind kind_of(std::string_view text) {
    const auto all = kinds(text);
    EXPECT_EQ(all.size(), 1U) << text;
    return all.empty() ? TokenKind::kEnd : all.front();
}

TEST(Lexer, EndsForEver) {
    Diagnostics diagnostics;
    Lexer lexer("x", diagnostics);
    EXPECT_EQ(lexer.next().kind, TokenKind::kWord);
    EXPECT_EQ(lexer.next().kind, TokenKind::kEnd);
    EXPECT_EQ(lexer.next().kind, TokenKind::kEnd);
}

TEST(Lexer, CountsLinesAndColumnsFromOne) {
    const auto tokens = lex("a b\n  c\n\n\td").tokens;
    ASSERT_EQ(tokens.size(), 4U);
    EXPECT_EQ(tokens[0].at, (Position{1, 1}));
    EXPECT_EQ(tokens[1].at, (Position{1, 3}));
    EXPECT_EQ(tokens[2].at, (Position{2, 3}));
    EXPECT_EQ(tokens[3].at, (Position{4, 2}));
    EXPECT_TRUE(tokens[0].starts_line);
    EXPECT_FALSE(tokens[1].starts_line);
    EXPECT_TRUE(tokens[2].starts_line);
}

TEST(Lexer, CountsTheLinesInsideAQuotedString) {
    const auto tokens = lex("'one\ntwo\nthree' x\ny").tokens;
    ASSERT_EQ(tokens.size(), 3U);
    EXPECT_EQ(tokens[0].text, "one\ntwo\nthree");
    EXPECT_EQ(tokens[1].at, (Position{3, 8}));
    EXPECT_FALSE(tokens[1].starts_line);
    EXPECT_EQ(tokens[2].at, (Position{4, 1}));
}

TEST(Lexer, CarriageReturnsEndLinesOnlyWhereNothingElseDoes) {
    const auto old_mac = lex("a # comment\rb\rc").tokens;
    ASSERT_EQ(old_mac.size(), 3U);
    EXPECT_EQ(old_mac[2].at, (Position{3, 1}));
    const auto dos = lex("a # comment\r still\r\nb\r\nc").tokens;
    ASSERT_EQ(dos.size(), 3U);
    EXPECT_EQ(dos[2].at, (Position{3, 1}));
}

TEST(Lexer, AByteOrderMarkIsNotThere) {
    const auto tokens = lex("\xEF\xBB\xBFSpread_Segment").tokens;
    ASSERT_EQ(tokens.size(), 1U);
    EXPECT_EQ(tokens[0].text, "Spread_Segment");
    EXPECT_EQ(tokens[0].at, (Position{1, 1}));
}

TEST(Lexer, CommentsRunToTheEndOfTheLineAlsoWhenGlued) {
    EXPECT_THAT(texts("a#b c\n{# \"\nd}"), ElementsAre("a", "{", "d", "}"));
}

TEST(Lexer, FormFeedAndVerticalTabAreBlanks) {
    EXPECT_THAT(texts("a\fb\vc"), ElementsAre("a", "b", "c"));
}

TEST(Lexer, OrdinaryBytesOfAnUnquotedStringAreKept) {
    EXPECT_THAT(texts("a;b a:b a,b a\"b a'b a%b x=y /tmp/%h.log"),
                ElementsAre("a;b", "a:b", "a,b", "a\"b", "a'b", "a%b", "x=y", "/tmp/%h.log"));
}

TEST(Lexer, AnEqualsSignNeedsNoBlanksAfterAnOption) {
    EXPECT_THAT(texts("Window=160 Window= 160 Window =160 Window = 160 VirtualID=7"),
                ElementsAre("Window", "=", "160", "Window", "=", "160", "Window", "=", "160",
                            "Window", "=", "160", "VirtualID", "=", "7"));
    EXPECT_EQ(kinds("Window=160")[2], TokenKind::kNumber);
    EXPECT_THAT(texts("EventLogFile=\"a b\""), ElementsAre("EventLogFile", "=", "a b"));
}

TEST(Lexer, AnEqualsSignInAValueOrAnUnknownWordSplitsNothing) {
    EXPECT_THAT(texts("EventLogFile = a=b"), ElementsAre("EventLogFile", "=", "a=b"));
    EXPECT_THAT(texts("EventLogFile=Window=3"), ElementsAre("EventLogFile", "=", "Window=3"));
    EXPECT_THAT(texts("node=1 10.0.0.1"), ElementsAre("node=1", "10.0.0.1"));
}

TEST(Lexer, PunctuationStandsAloneOrIsPartOfAString) {
    EXPECT_THAT(kinds("; : = { } ;a"),
                ElementsAre(TokenKind::kSemicolon, TokenKind::kColon, TokenKind::kEquals,
                            TokenKind::kOpenBrace, TokenKind::kCloseBrace, TokenKind::kWord));
    EXPECT_THAT(kinds("!A ! B"), ElementsAre(TokenKind::kBang, TokenKind::kWord, TokenKind::kBang,
                                             TokenKind::kWord));
}

TEST(Lexer, NumbersHaveAtMostNineDigits) {
    EXPECT_EQ(kind_of("0"), TokenKind::kNumber);
    EXPECT_EQ(kind_of("999999999"), TokenKind::kNumber);
    EXPECT_EQ(kind_of("1234567890"), TokenKind::kWord);
    EXPECT_EQ(kind_of("-1"), TokenKind::kWord);
    EXPECT_EQ(kind_of("0x10"), TokenKind::kWord);
}

TEST(Lexer, ReadsAddressesWithAndWithoutPort) {
    const auto tokens =
        lex("10.96.0.1 10.96.0.255:4803 fd00:96::1 [ff02::96]:4803 [ff02::96] fe80::1%eth0 "
            "[fe80::1%eth0]:1 10.0.0.1:0")
            .tokens;
    ASSERT_EQ(tokens.size(), 8U);
    for (const Token& token : tokens) {
        EXPECT_EQ(token.kind, TokenKind::kAddress) << token.text;
    }
    EXPECT_FALSE(tokens[0].port);
    EXPECT_EQ(tokens[1].port, 4803U);
    EXPECT_EQ(tokens[1].address_text, "10.96.0.255");
    EXPECT_FALSE(tokens[2].port);
    EXPECT_EQ(tokens[3].port, 4803U);
    EXPECT_EQ(tokens[3].address_text, "ff02::96");
    EXPECT_TRUE(tokens[4].is_bracketed);
    EXPECT_EQ(tokens[5].address.scope, "eth0");
    EXPECT_EQ(tokens[5].address_text, "fe80::1");
    EXPECT_EQ(tokens[6].address.scope, "eth0");
    EXPECT_EQ(tokens[7].port, 0U);
}

TEST(Lexer, SeesWhatWasMeantToBeAnAddress) {
    for (const std::string_view text :
         {"10.96.0.256", "10.96.1", "10.96.0.1/24", "10.96.0.1:65536", "10.96.0.1:480333",
          "10.96.0.1:spread", "127.0.0.1:${port}", "ff02:::96", "::ffff:10.96.0.1",
          "[ff02:::96]:4803", "[ff02::96]x", "[ff02::96", "[10.0.0.1]:4803", "[ff02::96]:x", "1.5",
          "fe80::1%", "10.0.0.1%eth0", "10.0.0.1:"}) {
        EXPECT_EQ(kind_of(text), TokenKind::kBadAddress) << text;
        EXPECT_THAT(explain_bad_address(text), testing::Not(IsEmpty())) << text;
    }
    for (const std::string_view text : {"mynet:4803", "d1.example.org", "node-10.1", "a:b"}) {
        EXPECT_EQ(kind_of(text), TokenKind::kWord) << text;
    }
}

TEST(Lexer, ExplainsWhatIsWrongWithAnAddress) {
    EXPECT_THAT(explain_bad_address("10.96.0.256"), HasSubstr("'256' is above 255"));
    EXPECT_THAT(explain_bad_address("10.96.1"), HasSubstr("3 numbers instead of 4"));
    EXPECT_THAT(explain_bad_address("10.096.0.1"), HasSubstr("'096' without leading zeros"));
    EXPECT_THAT(explain_bad_address("10..0.1"), HasSubstr("two dots"));
    EXPECT_THAT(explain_bad_address("10.96.0.1/24"), HasSubstr("without a prefix length"));
    EXPECT_THAT(explain_bad_address("10.96.0.1:65536"), HasSubstr("out of range"));
    EXPECT_THAT(explain_bad_address("10.96.0.1:http"), HasSubstr("not a port number"));
    EXPECT_THAT(explain_bad_address("10.96.0.1:@PORT@"), HasSubstr("template variable"));
    EXPECT_THAT(explain_bad_address("10.96.0.1%eth0"), HasSubstr("only IPv6"));
    EXPECT_THAT(explain_bad_address("::ffff:10.96.0.1"), HasSubstr("dotted quad"));
    EXPECT_THAT(explain_bad_address("[10.0.0.1]:4803"), HasSubstr("brackets are only for IPv6"));
    EXPECT_THAT(explain_bad_address("[ff02::96"), HasSubstr("']' is missing"));
    EXPECT_THAT(explain_bad_address("[ff02::96]4803"), HasSubstr("[address]:port"));
    EXPECT_THAT(explain_bad_address("12345::1"), HasSubstr("invalid IPv6"));
}

TEST(Lexer, QuotedStringsKeepEverythingAndHaveNoEscapes) {
    EXPECT_THAT(texts(R"("a # {b}" 'it"s' "" 'a\')"), ElementsAre("a # {b}", "it\"s", "", "a\\"));
    EXPECT_EQ(kind_of("'10.0.0.1'"), TokenKind::kQuoted);
}

TEST(Lexer, ReportsAQuoteThatIsNeverClosed) {
    const Lexed lexed = lex("a = \"spread.log # x\nb");
    ASSERT_EQ(lexed.problems.size(), 1U);
    EXPECT_EQ(lexed.problems[0].at, (Position{1, 5}));
    EXPECT_THAT(lexed.problems[0].message, HasSubstr("never closed"));
    ASSERT_EQ(lexed.tokens.size(), 4U);
    EXPECT_EQ(lexed.tokens[2].kind, TokenKind::kInvalid);
    EXPECT_EQ(lexed.tokens[3].text, "b");
}

TEST(Lexer, ReportsAQuoteThatClosesInAWordOfALaterLine) {
    const Lexed lexed = lex("a = \"x.log\nb = \"y.log\"\nc");
    ASSERT_EQ(lexed.problems.size(), 1U);
    EXPECT_EQ(lexed.problems[0].at, (Position{1, 5})) << "the text between is \"x.log\\nb = \"";
    EXPECT_THAT(lexed.problems[0].message, HasSubstr("close the quote on this line"));
    EXPECT_EQ(lexed.tokens.back().text, "c");
    EXPECT_EQ(lexed.tokens.back().at, (Position{3, 1}));
}

TEST(Lexer, ReportsTextGluedToAClosingQuote) {
    const Lexed lexed = lex(R"(x = "a\"b.log" y)");
    ASSERT_EQ(lexed.problems.size(), 1U);
    EXPECT_EQ(lexed.problems[0].at, (Position{1, 9}));
    EXPECT_EQ(lexed.tokens.back().text, "y");
}

TEST(Lexer, ReportsControlCharactersWhereTheyStand) {
    const Lexed lexed = lex("d\0001 'a\0b' \x1b[0m # \0\n"sv);
    ASSERT_EQ(lexed.problems.size(), 3U);
    EXPECT_EQ(lexed.problems[0].at, (Position{1, 2}));
    EXPECT_THAT(lexed.problems[0].message, HasSubstr("'\\x00'"));
    EXPECT_EQ(lexed.problems[1].at, (Position{1, 5}));
    EXPECT_EQ(lexed.problems[2].at, (Position{1, 11}));
}

TEST(Lexer, ReportsBracketsThatSurroundNoAddress) {
    for (const std::string_view text : {"[segment]", "[[[]]]", "d[1]", "]", "[", "a]"}) {
        const Lexed lexed = lex(text);
        ASSERT_EQ(lexed.problems.size(), 1U) << text;
        ASSERT_EQ(lexed.tokens.size(), 1U) << text;
        EXPECT_EQ(lexed.tokens[0].kind, TokenKind::kInvalid) << text;
    }
    EXPECT_THAT(lex("'d[1]'").problems, IsEmpty());
}

TEST(Lexer, ATemplateVariableIsOneToken) {
    const Lexed lexed = lex("${NAME} x${a b}y 10.0.0.1:${p} {");
    ASSERT_EQ(lexed.tokens.size(), 4U);
    EXPECT_EQ(lexed.tokens[0].text, "${NAME}");
    EXPECT_EQ(lexed.tokens[1].text, "x${a b}y");
    EXPECT_EQ(lexed.tokens[2].kind, TokenKind::kBadAddress);
    EXPECT_EQ(lexed.problems.size(), 2U);
}

TEST(Lexer, CommentsOfOtherLanguagesAreOneTokenExceptInValues) {
    EXPECT_THAT(kinds("a // don't \"\nb"),
                ElementsAre(TokenKind::kWord, TokenKind::kForeignComment, TokenKind::kWord));
    EXPECT_THAT(texts("EventLogFile = //server/x.log"),
                ElementsAre("EventLogFile", "=", "//server/x.log"));
}

}  // namespace
}  // namespace spread::config
