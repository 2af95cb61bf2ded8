#include "tests/interop/session.hpp"

#include <stdexcept>
#include <utility>

namespace spread::interop {

using support::RawConnection;

namespace {

int signed_byte(std::byte value) {
    return static_cast<signed char>(value);
}

[[noreturn]] void unexpected(const std::string& who, const std::string& wanted,
                             const Frame& frame) {
    throw std::runtime_error(who + " expects " + wanted + " but gets " + describe(frame));
}

}  // namespace

Answer read_method_list(RawConnection& connection) {
    const int length = signed_byte(connection.read(1).front());
    if (length < 0) {
        return {length, ""};
    }
    return {0, text_of(connection.read(static_cast<std::size_t>(length)))};
}

Verdict read_verdict(RawConnection& connection, Version version) {
    Verdict verdict;
    verdict.code = signed_byte(connection.read(1).front());
    if (verdict.code < 0) {
        return verdict;
    }
    const Bytes head = connection.read(version.has_patch() ? 4 : 3);
    verdict.daemon = {signed_byte(head[0]), signed_byte(head[1]),
                      version.has_patch() ? signed_byte(head[2]) : 0};
    verdict.private_group =
        text_of(connection.read(static_cast<std::size_t>(signed_byte(head.back()))));
    return verdict;
}

Verdict shake_hands(RawConnection& connection, const Bytes& opening_bytes, Version version) {
    connection.send(opening_bytes);
    if (version.chooses()) {
        const Answer answer = read_method_list(connection);
        if (answer.code < 0) {
            return {answer.code, {}, ""};
        }
        connection.send(choice({"NULL"}));
    }
    return read_verdict(connection, version);
}

Session::Session(RawConnection connection, std::string_view name, const Options& options)
    : connection_(std::move(connection)) {
    const Verdict verdict =
        shake_hands(connection_, opening(name, options.version, options.flags), options.version);
    if (verdict.code != 1) {
        throw std::runtime_error("the daemon refuses " + std::string(name) + " with " +
                                 std::to_string(verdict.code));
    }
    private_group_ = verdict.private_group;
}

Request Session::request(std::uint32_t type, std::vector<std::string> groups,
                         std::string_view body) const {
    Request request;
    request.type = type;
    request.sender = private_group_;
    request.groups = std::move(groups);
    request.body = bytes_of(body);
    return request;
}

void Session::send(const Request& request) {
    connection_.send(encode(request));
}

void Session::join(std::string_view group) {
    send(request(kJoin, {std::string(group)}));
}

void Session::leave(std::string_view group) {
    send(request(kLeave, {std::string(group)}));
}

void Session::kill() {
    send(request(kKill, {private_group_}));
}

void Session::multicast(std::vector<std::string> groups, std::string_view body,
                        std::uint32_t type) {
    send(request(type, std::move(groups), body));
}

Frame read_frame(RawConnection& connection, std::chrono::milliseconds patience) {
    Frame frame = decode_header(connection.read(kHeaderBytes, patience));
    if ((frame.type & kReject) != 0) {
        frame.old_type = connection.read(4, patience);
        append(frame.raw, frame.old_type);
    }
    const auto groups = static_cast<std::size_t>(frame.num_groups);
    frame.group_bytes = connection.read(groups * kNameBytes, patience);
    for (std::size_t i = 0; i < groups; ++i) {
        const std::string text =
            text_of(std::span(frame.group_bytes).subspan(i * kNameBytes, kNameBytes));
        frame.groups.push_back(text.substr(0, text.find('\0')));
    }
    frame.body = connection.read(static_cast<std::size_t>(frame.data_len), patience);
    append(frame.raw, frame.group_bytes);
    append(frame.raw, frame.body);
    return frame;
}

Frame Session::next(std::chrono::milliseconds patience) {
    try {
        return read_frame(connection_, patience);
    } catch (const std::exception& problem) {
        throw std::runtime_error(private_group_ + ": " + problem.what());
    }
}

View Session::next_view(std::string_view group, std::uint32_t cause,
                        std::chrono::milliseconds patience) {
    const Frame frame = next(patience);
    if (frame.type != (kRegular | cause) || frame.name() != group) {
        unexpected(private_group_,
                   "a view of " + std::string(group) + " with cause " + std::to_string(cause),
                   frame);
    }
    return view_of(frame);
}

Frame Session::next_text(std::string_view body) {
    Frame frame = next();
    if (frame.is_view() || frame.is_signal() || frame.text() != body) {
        unexpected(private_group_, "the message \"" + std::string(body.substr(0, 60)) + "\"",
                   frame);
    }
    return frame;
}

void Session::next_self_leave(std::string_view group) {
    const Frame frame = next();
    if (!frame.is_self_leave() || frame.name() != group) {
        unexpected(private_group_, "to hear of having left " + std::string(group), frame);
    }
}

View Session::enter(std::string_view group) {
    join(group);
    View view = next_view(group, kByJoin);
    if (view.changed() != private_group_) {
        throw std::runtime_error(private_group_ + " joins, but the view says " + view.changed());
    }
    return view;
}

void Session::expect_nothing() {
    const std::string body = "probe " + std::to_string(++probes_);
    multicast({private_group_}, body);
    const Frame frame = next();
    if (frame.name() != private_group_ || frame.text() != body) {
        unexpected(private_group_, "nothing", frame);
    }
}

}  // namespace spread::interop
