#pragma once

// What the examples that take lines have in common: waiting for the terminal and the session at
// once.

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <spread/session.hpp>
#include <string>
#include <utility>

namespace examples {

/// Hands each line to `on_line` and each event to `on_event`, until input or session ends. Returns
/// the exit status.
template <typename OnLine, typename OnEvent>
int run(spread::Session& session, OnLine on_line, OnEvent on_event) {
    const auto descriptor = session.descriptor();
    if (!descriptor) {
        std::cerr << descriptor.error().text << '\n';
        return 1;
    }
    std::string input;
    while (true) {
        std::array<pollfd, 2> ready{{{STDIN_FILENO, POLLIN, 0}, {*descriptor, POLLIN, 0}}};
        if (poll(ready.data(), ready.size(), -1) < 0) {
            continue;
        }
        if (ready[1].revents != 0) {
            while (true) {
                const auto event = session.try_receive();
                if (!event) {
                    std::cerr << event.error().text << '\n';
                    return 1;
                }
                if (!*event) {
                    break;
                }
                on_event(**event);
                std::cout.flush();
            }
        }
        if (ready[0].revents != 0) {
            std::array<char, 4096> chunk{};
            const ssize_t count = read(STDIN_FILENO, chunk.data(), chunk.size());
            if (count <= 0) {
                return 0;
            }
            input.append(chunk.data(), static_cast<std::size_t>(count));
            for (auto end = input.find('\n'); end != std::string::npos; end = input.find('\n')) {
                on_line(input.substr(0, end));
                input.erase(0, end + 1);
            }
        }
    }
}

/// The group of `program DAEMON NAME [GROUP]`.
inline std::string group(int argc, char** argv, const std::string& usual) {
    return argc > 3 ? argv[3] : usual;
}

/// A session in `group`; complains and ends the program otherwise.
inline spread::Session open(int argc, char** argv, const std::string& group) {
    if (argc < 3) {
        std::cerr << "usage: " << argv[0] << " DAEMON NAME [GROUP]\n";
        std::exit(2);
    }
    spread::Options options;
    options.servers = {argv[1]};
    options.private_name = argv[2];
    auto session = spread::Session::connect(options);
    if (session) {
        const auto joined = session->join(group);
        if (joined) {
            return std::move(*session);
        }
        std::cerr << joined.error().text << '\n';
    } else {
        std::cerr << session.error().text << '\n';
    }
    std::exit(1);
}

/// Sends, and complains where that fails.
inline void say(spread::Session& session, spread::Service how, const std::string& group,
                const std::string& text) {
    if (const auto sent = session.multicast(how, group, text); !sent) {
        std::cerr << sent.error().text << '\n';
    }
}

}  // namespace examples
