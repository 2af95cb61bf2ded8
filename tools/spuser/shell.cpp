#include "tools/spuser/shell.hpp"

#include <charconv>
#include <ostream>

#include <spdlog/fmt/fmt.h>

#include "protocol/session_wire.hpp"
#include "tools/spuser/display.hpp"

namespace spread::spuser {

namespace {

/// As in the stock program, so that users of both see the same.
const Delivery kSend{Service::kSafe, 1};
const Delivery kBurst{Service::kFifo, 2};
constexpr int kBurstMessages = 10;

/// More wait in the library and at the daemon.
constexpr std::size_t kHeldMax = 100;

/// Our last message to ourselves; what comes before it answers what we sent before it.
constexpr std::string_view kFence = "spuser: end of input";
constexpr std::int16_t kFenceType = 0x7fff;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value{};
    const char* end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, value);
    if (failure != std::errc{} || rest != end) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

Shell::Shell(Session& session, std::ostream& out, std::ostream& errors, Style style)
    : session_(session), out_(out), errors_(errors), style_(style) {}

void Shell::start() {
    if (style_.is_interactive) {
        out_ << '\n' << menu() << '\n';
    }
    prompt();
}

bool Shell::wants_message() const {
    return is_showing() || held_.size() < kHeldMax;
}

void Shell::on_line(std::string_view line) {
    is_prompt_shown_ = false;
    switch (state_) {
        case State::kCommand: {
            const auto command = parse_command(line);
            if (!command) {
                complain(command.error());
            } else if (*command) {
                run(**command);
            }
            break;
        }
        case State::kText:
            state_ = State::kCommand;
            send(kSend, line);
            break;
        case State::kLines:
            if (!line.empty()) {
                text_ += line;
                text_ += '\n';
            } else {
                state_ = State::kCommand;
                send(kSend, text_);
            }
            break;
        case State::kBurstSize:
            state_ = State::kCommand;
            burst(line);
            break;
        case State::kReceiving:
        case State::kEnding:
        case State::kDone: break;
    }
    prompt();
}

void Shell::run(const Command& command) {
    groups_ = command.arguments;
    text_.clear();
    switch (command.verb) {
        case Verb::kJoin: check(session_.join(groups_.front())); break;
        case Verb::kLeave: check(session_.leave(groups_.front())); break;
        case Verb::kSend: state_ = State::kText; break;
        case Verb::kSendLines: state_ = State::kLines; break;
        case Verb::kBurst: state_ = State::kBurstSize; break;
        case Verb::kReceive: start_receiving(command); break;
        case Verb::kPoll:
            out_ << fmt::format("{} messages and {} bytes wait to be received\n", held_.size(),
                                session_.poll());
            break;
        case Verb::kEnableAsync:
            shows_as_they_come_ = true;
            show_held();
            break;
        case Verb::kDisableAsync: shows_as_they_come_ = false; break;
        case Verb::kHelp: out_ << menu(); break;
        case Verb::kQuit: state_ = State::kDone; break;
    }
}

void Shell::start_receiving(const Command& command) {
    receive_until_.reset();
    if (!command.arguments.empty()) {
        constexpr double kSecondsMax = 1e6;
        const auto seconds = parse_number<double>(command.arguments.front());
        if (!seconds || *seconds < 0 || *seconds > kSecondsMax) {
            complain("r takes a number of seconds");
            return;
        }
        receive_until_ = client::Clock::now() + std::chrono::duration_cast<client::Clock::duration>(
                                                    std::chrono::duration<double>(*seconds));
    }
    if (held_.empty()) {
        state_ = State::kReceiving;
        return;
    }
    receive_until_.reset();
    show(held_.front());
    held_.pop_front();
}

void Shell::on_deadline() {
    receive_until_.reset();
    if (state_ == State::kReceiving) {
        state_ = State::kCommand;
        complain("no message came in time");
        prompt();
    }
}

void Shell::on_event(const Event& event) {
    const std::string self = session_.private_group();
    const auto* message = std::get_if<Message>(&event);
    if (message != nullptr && message->sender == self && message->mess_type == kFenceType &&
        message->text() == kFence) {
        if (state_ == State::kEnding) {
            state_ = State::kDone;
        }
        return;
    }
    if (!is_showing()) {
        held_.push_back(event);
        return;
    }
    show(event);
    if (state_ == State::kReceiving) {
        receive_until_.reset();
        state_ = State::kCommand;
    }
    prompt();
}

void Shell::show(const Event& event) {
    hide_prompt();
    failures_ += std::holds_alternative<Rejected>(event) ? 1 : 0;
    out_ << describe(event, session_.private_group());
    out_.flush();
}

void Shell::hide_prompt() {
    if (style_.line != nullptr) {
        style_.line->hide();
    } else if (is_prompt_shown_) {
        out_ << '\n';
    }
    is_prompt_shown_ = false;
}

void Shell::show_held() {
    for (const Event& event : held_) {
        show(event);
    }
    held_.clear();
}

void Shell::on_end_of_input() {
    if (is_ending()) {
        return;
    }
    if (state_ == State::kLines) {
        state_ = State::kCommand;
        send(kSend, text_);
    } else if (state_ == State::kText || state_ == State::kBurstSize) {
        complain("the input ended in the middle of a command");
    }
    const auto sent =
        session_.multicast({Service::kAgreed, kFenceType}, session_.private_group(), kFence);
    check(sent);
    show_held();
    state_ = sent ? State::kEnding : State::kDone;
}

void Shell::send(const Delivery& delivery, std::string_view text) {
    check(session_.multigroup_multicast(delivery, groups_, text));
}

void Shell::burst(std::string_view size_line) {
    const auto size = parse_number<std::size_t>(size_line);
    if (!size || *size > protocol::kMessageContentMax) {
        complain(fmt::format("the size of a message is a number from 0 to {}",
                             protocol::kMessageContentMax));
        return;
    }
    const std::uint64_t failures_before = failures_;
    int sent = 0;
    for (int i = 1; i <= kBurstMessages && failures_ == failures_before; ++i) {
        std::string text = fmt::format("message {} of {} ", i, kBurstMessages);
        text.resize(*size, '.');
        send(kBurst, text);
        sent += failures_ == failures_before ? 1 : 0;
    }
    out_ << fmt::format("sent {} messages of {} bytes\n", sent, *size);
}

void Shell::complain(std::string_view text) {
    ++failures_;
    out_.flush();
    errors_ << "spuser: " << text << '\n';
    errors_.flush();
}

void Shell::prompt() {
    out_.flush();
    if (!style_.is_interactive || is_prompt_shown_) {
        return;
    }
    std::string_view text;
    switch (state_) {
        case State::kCommand: text = "User> "; break;
        case State::kText: text = "text> "; break;
        case State::kLines: text = "line> "; break;
        case State::kBurstSize: text = "bytes> "; break;
        case State::kReceiving:
        case State::kEnding:
        case State::kDone: return;
    }
    is_prompt_shown_ = true;
    if (style_.line != nullptr) {
        style_.line->show(text);
    } else {
        out_ << text << std::flush;
    }
}

}  // namespace spread::spuser
