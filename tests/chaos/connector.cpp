#include "tests/chaos/connector.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "client/address.hpp"

namespace spread::chaos {
namespace {

/// The relay lives as long as the socket that is its standard input; nobody waits for it.
bool start_relay(const std::array<std::string, 5>& command, int socket) {
    std::array<char*, 6> arguments{};
    for (std::size_t i = 0; i < command.size(); ++i) {
        arguments[i] = const_cast<char*>(command[i].c_str());  // NOLINT(*-const-cast)
    }
    const pid_t between = fork();
    if (between == 0) {
        if (fork() == 0) {
            dup2(socket, STDIN_FILENO);
            execv(arguments[0], arguments.data());
        }
        _exit(0);
    }
    return between > 0 && waitpid(between, nullptr, 0) == between;
}

client::Result<client::Connection> connect_by(const std::string& library,
                                              const client::ConnectOptions& options) {
    const auto give_up = [&](const char* why) {
        return client::fail(client::ErrorCode::kCouldNotConnect, library + ": " + why);
    };
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return give_up("no socket");
    }
    client::FileDescriptor ours(ends[0]);
    {
        const client::FileDescriptor theirs(ends[1]);
        if (!start_relay({SPREAD_CHAOS_RELAY, library, options.address, options.private_name,
                          options.wants_membership ? "1" : "0"},
                         theirs.get())) {
            return give_up("cannot start");
        }
    }
    std::array<char, protocol::kNameFieldBytes> name{};
    pollfd polled{ours.get(), POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(options.timeout.count())) != 1 ||
        recv(ours.get(), name.data(), name.size(), MSG_WAITALL) !=
            static_cast<ssize_t>(name.size()) ||
        fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) {
        return give_up("cannot connect");
    }
    client::Connection connection;
    connection.socket = std::move(ours);
    connection.peer = options.address;
    connection.private_group = protocol::NameField(name.data());
    return connection;
}

client::Result<client::Connection> connect_within(const client::ConnectOptions& options,
                                                  int network_namespace,
                                                  const std::string& library) {
    // The socket stays in the namespace in which it was made; the thread that made it is about to
    // end.
    if (network_namespace >= 0 && setns(network_namespace, CLONE_NEWNET) != 0) {
        return client::fail(client::ErrorCode::kCouldNotConnect,
                            "cannot enter a namespace: " + client::system_error_text(errno));
    }
    return library.empty() ? client::connect(options) : connect_by(library, options);
}

}  // namespace

Connector::Connector(client::ConnectOptions options, int network_namespace, std::string library)
    : thread_(
          [this, options = std::move(options), network_namespace, library = std::move(library)] {
              result_ = connect_within(options, network_namespace, library);
              is_done_ = true;
          }) {}

std::optional<client::Result<client::Connection>> Connector::poll() {
    if (!is_done_) {
        return std::nullopt;
    }
    return std::exchange(result_, std::nullopt);
}

}  // namespace spread::chaos
