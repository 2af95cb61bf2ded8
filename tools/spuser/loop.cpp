#include "tools/spuser/loop.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/socket.hpp"
#include "spread/session.hpp"
#include "tools/spuser/lines.hpp"
#include "tools/spuser/login_file.hpp"
#include "tools/spuser/shell.hpp"

namespace spread::spuser {

namespace {

using client::Clock;
using client::Deadline;

constexpr int kRefused = 1;
constexpr int kNoConnection = 3;
/// How long the last messages may take to come back after the end of input.
constexpr std::chrono::seconds kFenceTimeout{10};

class Loop {
  public:
    Loop(Session& session, int descriptor, Shell& shell, LineSource& lines, const Options& options)
        : session_(session),
          descriptor_(descriptor),
          shell_(shell),
          lines_(lines),
          linger_(options.linger) {}

    int run() {
        shell_.start();
        while (true) {
            while (shell_.wants_line() && lines_.has_line()) {
                shell_.on_line(*lines_.next());
            }
            if (shell_.is_done()) {
                // After `q` we go at once; after the end of input we may have been asked to stay.
                if (!input_ended_ || Clock::now() >= linger_until_) {
                    return shell_.has_failures() ? kRefused : 0;
                }
            } else if (input_ended_ && shell_.wants_line()) {
                end_input();
                continue;
            }
            if (!wait_and_read()) {
                return kNoConnection;
            }
        }
    }

  private:
    void end_input() {
        if (auto rest = lines_.take_rest(); !rest.empty()) {
            shell_.on_line(rest);
        }
        if (!shell_.wants_line() && !shell_.is_done()) {
            return;  // the last line was an `r`, which must have its message first
        }
        if (!shell_.is_done()) {
            shell_.on_end_of_input();
            linger_until_ = Clock::now() + linger_;
            fence_until_ = Clock::now() + kFenceTimeout;
        }
    }

    [[nodiscard]] bool reads_messages() const {
        return shell_.wants_message() || (shell_.is_done() && input_ended_);
    }

    [[nodiscard]] std::optional<Deadline> next_deadline() const {
        if (shell_.is_done()) {
            return linger_until_;
        }
        return fence_until_ ? fence_until_ : shell_.deadline();
    }

    bool wait_and_read() {
        int timeout_ms = -1;
        const auto deadline = next_deadline();
        if (deadline) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
            timeout_ms = static_cast<int>(std::clamp<decltype(left)>(left, 0, 1'000'000));
        }
        const bool reads_input = shell_.wants_line() && !input_ended_;
        const bool reads_messages_now = reads_messages();
        std::array<pollfd, 2> entries{pollfd{reads_input ? STDIN_FILENO : -1, POLLIN, 0},
                                      pollfd{reads_messages_now ? descriptor_ : -1, POLLIN, 0}};
        if (poll(entries.data(), entries.size(), timeout_ms) < 0 && errno != EINTR) {
            std::cerr << "spuser: poll: " << client::system_error_text(errno) << '\n';
            return false;
        }
        if (deadline && Clock::now() >= *deadline) {
            if (fence_until_ && !shell_.is_done()) {
                std::cerr << "spuser: the daemon did not deliver our last messages in time\n";
                return false;
            }
            shell_.on_deadline();
        }
        if (entries[1].revents != 0 && !receive_all()) {
            return false;
        }
        if (entries[0].revents != 0 && !lines_.fill()) {
            input_ended_ = true;
        }
        return true;
    }

    /// Shows what is there, as far as the shell wants it.
    bool receive_all() {
        while (reads_messages()) {
            const auto event = session_.try_receive();
            if (event && !*event) {
                return true;
            }
            const auto* end = event ? std::get_if<Disconnected>(&**event) : nullptr;
            if (!event || end != nullptr) {
                shell_.hide_prompt();
                std::cout.flush();
                std::cerr << "spuser: " << (event ? end->error.text : event.error().text) << '\n';
                return false;
            }
            const bool was_ending = shell_.is_done();
            shell_.on_event(**event);
            if (shell_.is_done() && !was_ending) {
                return true;
            }
        }
        return true;
    }

    Session& session_;
    int descriptor_;
    Shell& shell_;
    LineSource& lines_;
    std::chrono::milliseconds linger_;
    bool input_ended_ = false;
    Deadline linger_until_{};
    std::optional<Deadline> fence_until_;
};

Result<Session> connect(const Options& options, std::optional<Login> login) {
    spread::Options wanted;
    wanted.login = std::move(login);
    wanted.private_name = options.has_random_name ? "" : options.user;
    wanted.connect_timeout = options.connect_timeout;
    wanted.tls = options.tls;
    if (options.address) {
        wanted.servers = {*options.address};
    } else if (options.tls) {
        wanted.servers = {"4803@localhost"};  // the Unix socket would be in plain text
    }
    return Session::connect(std::move(wanted));
}

}  // namespace

int run(const Options& options) {
    std::optional<Login> login;
    if (options.login_file) {
        auto read = read_login(*options.login_file, options.user);
        if (!read) {
            std::cerr << "spuser: " << read.error() << '\n';
            return kRefused;
        }
        login = *std::move(read);
    }
    auto session = connect(options, std::move(login));
    if (!session) {
        std::cerr << "spuser: " << session.error().text << '\n';
        return kNoConnection;
    }
    const auto descriptor = session->descriptor();
    if (!descriptor) {
        std::cerr << "spuser: " << descriptor.error().text << '\n';
        return kNoConnection;
    }
    const auto version = session->daemon_version();
    std::cout << "connected as " << session->private_group()
              << "; the daemon speaks the protocol of Spread " << version.major << '.'
              << version.minor << '.' << version.patch << std::endl;
    Shell::Style style;
    style.is_interactive = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
    std::unique_ptr<Editor> editor;
    if (const char* terminal = std::getenv("TERM");
        style.is_interactive && terminal != nullptr && std::string_view(terminal) != "dumb") {
        editor = Editor::open(stdin, stdout);
        style.line = editor.get();
    }
    const auto plain = plain_lines();
    LineSource& lines = editor ? static_cast<LineSource&>(*editor) : *plain;
    Shell shell(*session, std::cout, std::cerr, style);
    const int status = Loop(*session, *descriptor, shell, lines, options).run();
    editor.reset();
    session->close();
    if (style.is_interactive) {
        std::cout << "Bye." << std::endl;
    }
    return status;
}

}  // namespace spread::spuser
