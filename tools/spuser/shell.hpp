#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/socket.hpp"
#include "spread/session.hpp"
#include "tools/spuser/commands.hpp"
#include "tools/spuser/lines.hpp"

namespace spread::spuser {

/// The conversation with the user: takes lines and received messages, talks to the session and
/// writes what the user shall see. It does no waiting; the loop around it asks what to wait for.
class Shell {
  public:
    struct Style {
        bool is_interactive = false;  ///< prompts and menu: a person sits there
        TypedLine* line = nullptr;    ///< shows the prompts then; null: they are written to `out`
    };

    Shell(Session& session, std::ostream& out, std::ostream& errors, Style style);

    void start();
    void on_line(std::string_view line);
    /// End of input: everything sent so far shall come back before we go.
    void on_end_of_input();
    /// Whether a message should be read from the session when there is one: also those that are
    /// held back, up to a number, so that the end of the session is noticed when it comes.
    [[nodiscard]] bool wants_message() const;
    /// Whether a line should be read. Not while `r` waits for its message.
    [[nodiscard]] bool wants_line() const { return state_ != State::kReceiving && !is_ending(); }
    void on_event(const Event& event);
    /// When `r SECONDS` gives up.
    [[nodiscard]] std::optional<client::Deadline> deadline() const { return receive_until_; }
    void on_deadline();

    [[nodiscard]] bool is_done() const { return state_ == State::kDone; }
    /// Some command was refused, by us or by the daemon; the exit status of scripts says so. A
    /// person has seen it.
    [[nodiscard]] bool has_failures() const { return failures_ > 0 && !style_.is_interactive; }
    /// Takes the line being typed off the screen, until the next prompt.
    void hide_prompt();

  private:
    enum class State : std::uint8_t {
        kCommand,    // the next line is a command
        kText,       // ... the text of a message
        kLines,      // ... one line of several
        kBurstSize,  // ... the size of burst messages
        kReceiving,  // `r` waits
        kEnding,     // waiting for our last message to come back
        kDone
    };

    [[nodiscard]] bool is_ending() const {
        return state_ == State::kEnding || state_ == State::kDone;
    }
    [[nodiscard]] bool is_showing() const {
        return shows_as_they_come_ || state_ == State::kReceiving || is_ending();
    }
    void show(const Event& event);
    void show_held();
    void run(const Command& command);
    void start_receiving(const Command& command);
    void send(const Delivery& delivery, std::string_view text);
    void burst(std::string_view size_line);
    template <typename T>
    void check(const Result<T>& result) {
        if (!result) {
            complain(result.error().text);
        }
    }
    void complain(std::string_view text);
    void prompt();

    Session& session_;
    std::ostream& out_;
    std::ostream& errors_;
    Style style_;
    State state_ = State::kCommand;
    bool shows_as_they_come_ = true;
    std::deque<Event> held_;  // until `r` or `e`
    bool is_prompt_shown_ = false;
    std::vector<std::string> groups_;  // of the message being entered
    std::string text_;                 // lines entered so far
    std::optional<client::Deadline> receive_until_;
    std::uint64_t failures_ = 0;
};

}  // namespace spread::spuser
