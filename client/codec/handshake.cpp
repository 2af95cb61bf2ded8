#include "client/codec/handshake.hpp"

#include <algorithm>
#include <utility>

namespace spread::client {

namespace {

constexpr std::uint8_t kMembershipFlag = 0x01;
constexpr std::uint8_t kPriorityFlag = 0x10;

/// Fixed parts of the two answers: D1's length; D2 up to and with the length of the private group.
constexpr std::size_t kMethodsHeadBytes = 1;
constexpr std::size_t kAcceptHeadBytes = 5;

constexpr std::int8_t kRightPassword = 1;

/// Daemons before 3.0 speak otherwise; those before 3.8 know no priority (CP 3.5).
constexpr int kOldestMajor = 3;
constexpr int kOldestWithPriority = 30800;

std::size_t unsigned_at(std::span<const std::byte> bytes, std::size_t index) {
    return std::to_integer<std::size_t>(bytes[index]);
}

}  // namespace

Handshake::Handshake(HandshakeOptions options) : options_(std::move(options)) {
    protocol::ConnectRequest request;
    request.version = version_;
    request.flags = static_cast<std::uint8_t>((options_.wants_membership ? kMembershipFlag : 0) |
                                              (options_.priority ? kPriorityFlag : 0));
    request.private_name = options_.private_name;
    output_ = protocol::encode_connect(request);
}

Bytes Handshake::output() {
    return std::exchange(output_, {});
}

std::size_t Handshake::bytes_wanted() const {
    if (accepted_) {
        return 0;
    }
    std::size_t total = kMethodsHeadBytes;
    if (!has_chosen_) {
        if (stream_.size() >= kMethodsHeadBytes) {
            total += unsigned_at(stream_, 0);
        }
    } else if (awaits_verdict_) {
        total = 1;
    } else if (stream_.size() >= kAcceptHeadBytes) {
        total = kAcceptHeadBytes + unsigned_at(stream_, kAcceptHeadBytes - 1);
    } else if (!stream_.empty()) {
        // A reject is this one byte; only an accepting D2 goes on behind it.
        total = kAcceptHeadBytes;
    }
    return total > stream_.size() ? total - stream_.size() : 1;
}

Result<void> Handshake::on_bytes(std::span<const std::byte> bytes) {
    stream_.insert(stream_.end(), bytes.begin(), bytes.end());
    Result<bool> read = true;
    if (!has_chosen_) {
        read = read_methods();
    }
    if (read && *read && awaits_verdict_) {
        read = read_verdict();
    }
    if (read && *read && !accepted_) {
        read = read_acceptance();
    }
    if (!read) {
        return tl::unexpected(read.error());
    }
    return {};
}

std::string_view Handshake::awaited() const {
    if (!has_chosen_) {
        return "the list of authentication methods";
    }
    return awaits_verdict_ ? "the check of the password" : "the daemon's decision";
}

Result<bool> Handshake::read_methods() {
    const auto offered = protocol::decode_auth_list(stream_);
    if (!offered) {
        return tl::unexpected(rejected(offered.error()));
    }
    if (!*offered) {
        return false;
    }
    const auto& methods = (*offered)->methods;
    for (const auto& wanted : options_.auth_methods) {
        if (std::find(methods.begin(), methods.end(), wanted) == methods.end()) {
            std::string list;
            for (const auto& method : methods) {
                list += (list.empty() ? "" : ", ") + protocol::escaped(method);
            }
            return tl::unexpected(
                Error{ErrorCode::kRejectAuth,
                      "the daemon does not offer method " + wanted + ", only: " + list});
        }
    }
    const auto choice = protocol::encode_auth_choice(options_.auth_methods);
    output_.assign(choice.begin(), choice.end());
    if (options_.login) {
        const auto proof =
            protocol::encode_password_proof(options_.login->user, options_.login->password);
        output_.insert(output_.end(), proof.begin(), proof.end());
        awaits_verdict_ = true;
    }
    has_chosen_ = true;
    consume((*offered)->bytes_used);
    return true;
}

Result<bool> Handshake::read_verdict() {
    if (stream_.empty()) {
        return false;
    }
    const auto verdict = std::to_integer<std::int8_t>(stream_.front());
    if (verdict < 0) {
        return tl::unexpected(rejected(static_cast<protocol::RejectCode>(verdict)));
    }
    if (verdict != kRightPassword) {
        return tl::unexpected(
            Error{ErrorCode::kRejectAuth, "the daemon does not know user \"" +
                                              protocol::escaped(options_.login->user) +
                                              "\", or the password is not the right one"});
    }
    awaits_verdict_ = false;
    consume(1);
    return true;
}

Result<bool> Handshake::read_acceptance() {
    const auto decoded = protocol::decode_accept(version_, stream_);
    if (!decoded) {
        return tl::unexpected(rejected(decoded.error()));
    }
    if (!*decoded) {
        return false;
    }
    const auto& accept = **decoded;
    if (accept.daemon.major < 0 || accept.daemon.minor < 0 || accept.daemon.patch < 0 ||
        accept.private_group.find('\0') != std::string::npos) {
        return tl::unexpected(rejected(protocol::RejectCode::kClosed));
    }
    if (accept.daemon.major < kOldestMajor ||
        (options_.priority && accept.daemon.number() < kOldestWithPriority)) {
        return tl::unexpected(rejected(protocol::RejectCode::kVersion));
    }
    accepted_ =
        Accepted{.private_group = protocol::NameField(std::string_view(accept.private_group)),
                 .daemon = accept.daemon};
    consume(accept.bytes_used);
    return true;
}

Error Handshake::rejected(protocol::RejectCode code) const {
    using enum protocol::RejectCode;
    std::string why = "unknown reason";
    switch (code) {
        case kQuota:
            why = "it has as many sessions as it may have; try later or another daemon";
            break;
        case kNoName: why = "it got no user name"; break;
        case kIllegalName:
            why = "it does not accept the user name \"" + protocol::escaped(options_.private_name) +
                  "\"";
            break;
        case kNotUnique:
            why = "the user name \"" + protocol::escaped(options_.private_name) +
                  "\" is taken on that daemon; choose another";
            break;
        case kVersion: why = "its protocol version and ours do not fit"; break;
        case kClosed: why = "its answer is not that of a Spread daemon"; break;
        case kAuth: {
            std::string methods;
            for (const auto& method : options_.auth_methods) {
                methods += (methods.empty() ? "" : ", ") + method;
            }
            why = "authentication by " + methods + " was refused";
            break;
        }
    }
    return Error{static_cast<ErrorCode>(code), "the daemon refused us: " + why + " (" +
                                                   std::to_string(static_cast<int>(code)) + ")"};
}

void Handshake::consume(std::size_t bytes) {
    stream_.erase(stream_.begin(), stream_.begin() + static_cast<std::ptrdiff_t>(bytes));
}

}  // namespace spread::client
