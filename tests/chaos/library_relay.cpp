// A client by way of a C library, such as stock's: speaks the session wire on its standard input,
// which is a socket, and the library's functions to the daemon.
//
//   spread_chaos_relay LIBRARY ADDRESS USER MEMBERSHIP
//
// First it writes the name of the private group, with NULs up to 32 bytes. Then each request that
// it reads becomes a call, and each message that the library receives is written.

#include <dlfcn.h>
#include <poll.h>
#include <sp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace {

using namespace spread;
using Name = char[MAX_GROUP_NAME];  // NOLINT(*-avoid-c-arrays): the library's

constexpr int kGroupsMax = 2000;
constexpr int kBodyMax = 1 << 20;
constexpr long kConnectSeconds = 4;

struct Library {
    decltype(&SP_connect_timeout) connect;
    decltype(&SP_disconnect) disconnect;
    decltype(&SP_join) join;
    decltype(&SP_leave) leave;
    decltype(&SP_multigroup_multicast) multicast;
    decltype(&SP_receive) receive;
    decltype(&SP_poll) poll;
};

template <typename Function>
void find(void* library, const char* name, Function& into) {
    into = reinterpret_cast<Function>(dlsym(library, name));  // NOLINT(*-reinterpret-cast)
    if (into == nullptr) {
        _exit(3);
    }
}

Library open_library(const char* path) {
    void* const file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (file == nullptr) {
        _exit(3);
    }
    Library library{};
    find(file, "SP_connect_timeout", library.connect);
    find(file, "SP_disconnect", library.disconnect);
    find(file, "SP_join", library.join);
    find(file, "SP_leave", library.leave);
    find(file, "SP_multigroup_multicast", library.multicast);
    find(file, "SP_receive", library.receive);
    find(file, "SP_poll", library.poll);
    return library;
}

/// Ends with the client that we work for.
void read_all(std::span<std::byte> into) {
    while (!into.empty()) {
        const ssize_t count = recv(STDIN_FILENO, into.data(), into.size(), 0);
        if (count <= 0) {
            _exit(0);
        }
        into = into.subspan(static_cast<std::size_t>(count));
    }
}

void write_all(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t count = send(STDIN_FILENO, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) {
            _exit(0);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
}

class Relay {
  public:
    Relay(const Library& library, mailbox box)
        : library_(library), box_(box), names_(kGroupsMax), body_(kBodyMax) {}

    [[noreturn]] void run() {
        for (;;) {
            std::array<pollfd, 2> ready{{{STDIN_FILENO, POLLIN, 0}, {box_, POLLIN, 0}}};
            if (::poll(ready.data(), ready.size(), -1) < 0) {
                _exit(1);
            }
            if (ready[1].revents != 0) {
                do {
                    receive();
                } while (library_.poll(box_) > 0);
            }
            if (ready[0].revents != 0) {
                obey();
            }
        }
    }

  private:
    void obey() {
        std::array<std::byte, protocol::kSessionHeaderBytes> head{};
        read_all(head);
        const auto header = protocol::decode_session_header(head);
        const auto groups = static_cast<std::size_t>(header.num_groups);
        const auto bytes = static_cast<std::size_t>(header.data_len);
        if (groups > names_.size() || bytes > body_.size()) {
            _exit(1);
        }
        read_all(std::as_writable_bytes(std::span(names_.data(), groups)));
        read_all(std::as_writable_bytes(std::span(body_).first(bytes)));
        const std::uint32_t type = header.type & protocol::kRequestBits;
        int result = 0;
        if ((type & protocol::kKillMess) != 0) {
            library_.disconnect(box_);
            _exit(0);
        } else if ((type & protocol::kJoinMess) != 0) {
            result = library_.join(box_, names_[0].text);
        } else if ((type & protocol::kLeaveMess) != 0) {
            result = library_.leave(box_, names_[0].text);
        } else {
            result = library_.multicast(box_, static_cast<service>(type), header.num_groups,
                                        &names_[0].text, mess_type_of(header), header.data_len,
                                        body_.data());
        }
        if (result < 0) {
            _exit(0);
        }
    }

    static std::int16_t mess_type_of(const protocol::SessionHeader& header) {
        return protocol::decode_hint(header.hint).mess_type;
    }

    void receive() {
        service type = 0;
        Name sender = {};
        int groups = 0;
        int16 mess_type = 0;
        int other_order = 0;
        const int bytes =
            library_.receive(box_, &type, sender, kGroupsMax, &groups, &names_[0].text, &mess_type,
                             &other_order, kBodyMax, body_.data());
        if (bytes < 0 || groups < 0) {
            _exit(0);  // the daemon is gone
        }
        protocol::SessionHeader header;
        header.type = static_cast<std::uint32_t>(type);
        header.private_group_name = protocol::NameField(sender);
        header.num_groups = groups;
        header.hint = protocol::make_hint(mess_type);
        header.data_len = bytes;
        std::array<std::byte, protocol::kSessionHeaderBytes> head{};
        protocol::encode_session_header(header, head);
        write_all(head);
        write_all(std::as_bytes(std::span(names_.data(), static_cast<std::size_t>(groups))));
        write_all(std::as_bytes(std::span(body_).first(static_cast<std::size_t>(bytes))));
    }

    struct NameText {
        Name text;
    };

    Library library_;
    mailbox box_;
    std::vector<NameText> names_;
    std::vector<char> body_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        return 2;
    }
    const Library library = open_library(argv[1]);
    mailbox box = 0;
    std::array<char, MAX_GROUP_NAME> private_group{};
    const sp_time patience{kConnectSeconds, 0};
    if (library.connect(argv[2], argv[3], 0, std::atoi(argv[4]), &box, private_group.data(),
                        patience) != ACCEPT_SESSION) {
        return 1;
    }
    write_all(std::as_bytes(std::span(private_group)));
    Relay(library, box).run();
}
