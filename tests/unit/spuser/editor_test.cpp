// A person at a terminal: what is typed, edited and called back, and messages in between.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include <gmock/gmock.h>

#include "tools/spuser/lines.hpp"

/// The library of terminals keeps eight bytes for good, once.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): LeakSanitizer asks for
// it
extern "C" const char* __lsan_default_suppressions();
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" const char* __lsan_default_suppressions() {
    return "leak:_nc_trim_sgr0\n";
}

namespace spread::spuser {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

#ifdef SPREAD_HAVE_LIBEDIT

class EditorTest : public ::testing::Test {
  protected:
    EditorTest() {
        ::setenv("TERM", "xterm", 1);
        int keyboard = -1;
        winsize size{};
        size.ws_col = 40;
        size.ws_row = 24;
        EXPECT_EQ(::openpty(&screen_, &keyboard, nullptr, nullptr, &size), 0);
        in_ = ::fdopen(keyboard, "r");
        out_ = ::fdopen(::dup(keyboard), "w");
        editor_ = Editor::open(in_, out_);
        editor_->show("User> ");
    }
    ~EditorTest() override {
        editor_.reset();
        std::fclose(in_);
        std::fclose(out_);
        ::close(screen_);
    }

    void type(const std::string& keys) {
        ASSERT_EQ(::write(screen_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
    }
    /// Lets the editor take what was typed.
    bool take() {
        bool is_open = true;
        pollfd keys{::fileno(in_), POLLIN, 0};
        while (is_open && ::poll(&keys, 1, editor_->has_line() ? 0 : 200) > 0) {
            is_open = editor_->fill();
        }
        return is_open;
    }
    /// All that has been shown so far.
    std::string shown() {
        std::fflush(out_);
        std::array<char, 4096> chunk{};
        pollfd waiting{screen_, POLLIN, 0};
        while (::poll(&waiting, 1, 100) > 0) {
            const auto count = ::read(screen_, chunk.data(), chunk.size());
            if (count <= 0) {
                break;
            }
            shown_.append(chunk.data(), static_cast<std::size_t>(count));
        }
        return shown_;
    }

    int screen_ = -1;
    std::FILE* in_ = nullptr;
    std::FILE* out_ = nullptr;
    std::unique_ptr<Editor> editor_;
    std::string shown_;
};

TEST_F(EditorTest, ALineCanBeEdited) {
    type("oin room\x01j\n");  // Ctrl-A: to the start
    EXPECT_TRUE(take());
    EXPECT_EQ(editor_->next(), "join room");
    EXPECT_FALSE(editor_->has_line());
}

TEST_F(EditorTest, AnEarlierLineComesBack) {
    type("j room\n");
    EXPECT_TRUE(take());
    EXPECT_EQ(editor_->next(), "j room");
    editor_->show("User> ");
    type("\x10\n");  // Ctrl-P: previous
    EXPECT_TRUE(take());
    EXPECT_EQ(editor_->next(), "j room");
}

TEST_F(EditorTest, WhatComesDoesNotBreakTheLineBeingTyped) {
    type("s ro");
    EXPECT_TRUE(take());
    EXPECT_THAT(shown(), HasSubstr("User> s ro"));
    editor_->hide();
    std::fputs("[safe] a message\n", out_);
    editor_->show("User> ");
    const std::string text = shown();
    EXPECT_THAT(text, HasSubstr("\r\x1b[J[safe] a message\r\n"));
    EXPECT_THAT(text.substr(text.find("message")), HasSubstr("User> s ro")) << "typed so far";
    type("om\n");
    EXPECT_TRUE(take());
    EXPECT_EQ(editor_->next(), "s room");
}

TEST_F(EditorTest, ALineOfSeveralRowsIsTakenOffAsAWhole) {
    type(std::string(60, 'x'));  // with the prompt, two rows of a screen of 40 columns
    EXPECT_TRUE(take());
    static_cast<void>(shown());
    editor_->hide();
    EXPECT_THAT(shown(), EndsWith("\r\x1b[1A\x1b[J"));
}

TEST_F(EditorTest, CtrlDEndsTheInput) {
    type("\x04");
    EXPECT_FALSE(take());
}

#endif

}  // namespace
}  // namespace spread::spuser
