#include "daemon/session/session_machine.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "protocol/assert.hpp"

namespace spread::session {
namespace {

using protocol::kNameFieldBytes;
using protocol::kSessionHeaderBytes;
using protocol::RejectCode;
using protocol::RequestKind;
using protocol::Slice;

// First block of a message put together from several reads. Most messages need no second one, and
// a client that announces a message and sends nothing holds no more than this.
constexpr std::size_t kAssemblyBytesMin = 4096;

constexpr std::string_view kNullMethod = "NULL";

void advance(Slice& slice, std::size_t count) {
    slice.offset += static_cast<std::uint32_t>(count);
    slice.length -= static_cast<std::uint32_t>(count);
}

std::span<std::byte> writable(const Slice& slice) {
    return std::span(slice.buffer->data() + slice.offset, slice.length);
}

std::string hex_word(std::uint32_t value) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text = "0x";
    for (int shift = 28; shift >= 0; shift -= 4) {
        text.push_back(kDigits[(value >> static_cast<unsigned>(shift)) & 0xfU]);
    }
    return text;
}

std::string describe(protocol::RequestFault fault, const protocol::SessionHeader& header) {
    return "illegal request: " + std::string(protocol::to_string(fault)) + " (type " +
           hex_word(header.type) + ", sender \"" +
           protocol::escaped(header.private_group_name.view()) + "\", groups " +
           std::to_string(header.num_groups) + ", body " + std::to_string(header.data_len) +
           " bytes)";
}

}  // namespace

SessionStep SessionMachine::next(Slice& input) {
    switch (phase_) {
        case SessionPhase::kConnect: return next_connect(input);
        case SessionPhase::kNamed: return next_named();
        case SessionPhase::kAuth: return next_auth(input);
        case SessionPhase::kOpen: return next_request(input);
        case SessionPhase::kDone: break;
        case SessionPhase::kNaming: SPREAD_ASSERT(phase_ != SessionPhase::kNaming);
    }
    advance(input, input.length);
    return NeedBytes{};
}

void SessionMachine::grant_name(const protocol::NameField& private_group) {
    SPREAD_ASSERT(phase_ == SessionPhase::kNaming);
    private_group_ = private_group;
    phase_ = SessionPhase::kNamed;
}

void SessionMachine::refuse() {
    phase_ = SessionPhase::kDone;
    in_frame_ = false;
    frame_.reset();
}

// C1 may come in pieces, and C2 right behind it: only the bytes that C1 needs are taken.
SessionStep SessionMachine::next_connect(Slice& input) {
    const std::size_t had = partial_size_;
    const std::size_t count = std::min<std::size_t>(protocol::kConnectBytesMax - had, input.length);
    std::copy_n(input.bytes().begin(), count, partial_.begin() + static_cast<std::ptrdiff_t>(had));
    auto decoded = protocol::decode_connect(std::span(partial_).first(had + count));
    if (!decoded) {
        return reject(decoded.error());
    }
    if (!*decoded) {
        partial_size_ = had + count;
        advance(input, count);
        return NeedBytes{};
    }
    advance(input, (*decoded)->bytes_used - had);
    partial_size_ = 0;
    version_ = (*decoded)->request.version;
    wants_membership_ = (*decoded)->request.wants_membership();
    phase_ = SessionPhase::kNaming;
    return NameAsked{std::move((*decoded)->request)};
}

SessionStep SessionMachine::next_named() {
    if (version_.chooses_auth()) {
        phase_ = SessionPhase::kAuth;
        return AuthListDue{protocol::encode_auth_list(auth_methods_)};
    }
    // Libraries before 3.16 are not asked; they get in where no proof is needed (client protocol
    // 3.1).
    const bool open_to_all =
        std::find(auth_methods_.begin(), auth_methods_.end(), kNullMethod) != auth_methods_.end();
    return open_to_all ? accept() : reject(RejectCode::kAuth);
}

SessionStep SessionMachine::next_auth(Slice& input) {
    if (auth_methods_.empty()) {
        return reject(RejectCode::kAuth);
    }
    if (!fill_partial(protocol::kAuthChoiceBytes, input)) {
        return NeedBytes{};
    }
    partial_size_ = 0;
    const auto methods = protocol::decode_auth_choice(partial_);
    if (!methods) {
        return reject(methods.error());
    }
    for (const std::string& method : *methods) {
        const bool allowed =
            std::find(auth_methods_.begin(), auth_methods_.end(), method) != auth_methods_.end();
        // NULL has no exchange and always succeeds; no other method is known.
        if (!allowed || method != kNullMethod) {
            return reject(RejectCode::kAuth);
        }
    }
    return accept();
}

SessionStep SessionMachine::accept() {
    phase_ = SessionPhase::kOpen;
    return Accepted{protocol::encode_accept(version_, private_group_.view())};
}

SessionStep SessionMachine::reject(RejectCode code) {
    refuse();
    return Rejected{code};
}

SessionStep SessionMachine::illegal(std::string detail) {
    refuse();
    return Illegal{std::move(detail)};
}

bool SessionMachine::fill_partial(std::size_t wanted, Slice& input) {
    if (partial_size_ < wanted) {
        const std::size_t count = std::min<std::size_t>(wanted - partial_size_, input.length);
        std::copy_n(input.bytes().begin(), count,
                    partial_.begin() + static_cast<std::ptrdiff_t>(partial_size_));
        partial_size_ += count;
        advance(input, count);
    }
    return partial_size_ >= wanted;
}

// The checks run as soon as the header is in; nothing more of an illegal message is awaited
// (client protocol 5.1).
SessionStep SessionMachine::next_request(Slice& input) {
    if (!in_frame_) {
        const bool in_place = partial_size_ == 0 && input.length >= kSessionHeaderBytes;
        if (!in_place && !fill_partial(kSessionHeaderBytes, input)) {
            return NeedBytes{};
        }
        header_ = protocol::decode_session_header(
            (in_place ? input.bytes() : std::span<const std::byte>(partial_))
                .first<kSessionHeaderBytes>());
        const auto kind = protocol::check_request(header_, private_group_);
        if (!kind) {
            return illegal(describe(kind.error(), header_));
        }
        kind_ = *kind;
        frame_size_ = protocol::frame_bytes(header_);
        if ((kind_ == RequestKind::kJoin || kind_ == RequestKind::kLeave) &&
            header_.num_groups == 0) {
            // Stock reads stale memory here; a request that names nothing is no request.
            return illegal("illegal request: join or leave without a group");
        }
        if (in_place) {
            if (input.length >= frame_size_) {
                return take_whole(input);
            }
            fill_partial(kSessionHeaderBytes, input);
        }
        begin_frame();
    }
    take_part(input);
    return frame_have_ == frame_size_ ? finish_frame() : SessionStep(NeedBytes{});
}

SessionStep SessionMachine::take_whole(Slice& input) {
    if (kind_ != RequestKind::kMulticast) {
        auto step = group_request(input.bytes());
        advance(input, std::min<std::size_t>(frame_size_, input.length));
        return step;
    }
    protocol::normalise_session_header(header_, writable(input).first<kSessionHeaderBytes>());
    Slice frame{input.buffer, input.offset, static_cast<std::uint32_t>(frame_size_)};
    advance(input, frame_size_);
    return Multicast{protocol::ring_service(header_.type), protocol::Message(std::move(frame))};
}

void SessionMachine::begin_frame() {
    in_frame_ = true;
    frame_have_ = kSessionHeaderBytes;
    if (kind_ == RequestKind::kMulticast) {
        reserve_frame(0);
        std::copy_n(partial_.begin(), kSessionHeaderBytes, frame_->data());
    }
}

void SessionMachine::take_part(Slice& input) {
    const std::size_t count = std::min<std::size_t>(frame_size_ - frame_have_, input.length);
    if (count == 0) {
        return;
    }
    if (kind_ == RequestKind::kMulticast) {
        reserve_frame(count);
        std::memcpy(frame_->data() + frame_have_, input.bytes().data(), count);
    } else if (frame_have_ < kRequestBytesKept) {
        const std::size_t kept = std::min(count, kRequestBytesKept - frame_have_);
        std::copy_n(input.bytes().begin(), kept,
                    partial_.begin() + static_cast<std::ptrdiff_t>(frame_have_));
    }
    frame_have_ += count;
    advance(input, count);
}

void SessionMachine::reserve_frame(std::size_t incoming) {
    const std::size_t needed = frame_have_ + incoming;
    if (frame_ && frame_->capacity() >= needed) {
        return;
    }
    const std::size_t roomy = std::max(kAssemblyBytesMin, 2 * needed);
    protocol::BufferRef larger = protocol::BufferRef::allocate(std::min(frame_size_, roomy));
    if (frame_) {
        std::memcpy(larger->data(), frame_->data(), frame_have_);
    }
    frame_ = std::move(larger);
}

SessionStep SessionMachine::finish_frame() {
    in_frame_ = false;
    partial_size_ = 0;
    if (kind_ != RequestKind::kMulticast) {
        return group_request(partial_);
    }
    protocol::normalise_session_header(
        header_, std::span(frame_->data(), frame_size_).first<kSessionHeaderBytes>());
    Slice frame{std::exchange(frame_, {}), 0, static_cast<std::uint32_t>(frame_size_)};
    return Multicast{protocol::ring_service(header_.type), protocol::Message(std::move(frame))};
}

// Only the first group of a JOIN or LEAVE counts, and of a KILL none (client protocol 5.3 to 5.5).
//
// Names are taken as stock takes them, whatever their bytes, the empty one included: the group is
// just a byte string to us. The exception is a name without NUL. Stock lets it in, but it cannot
// be told to clients: they read on into the next field.
SessionStep SessionMachine::group_request(std::span<const std::byte> frame) {
    if (kind_ == RequestKind::kKill) {
        refuse();
        return Kill{};
    }
    const protocol::NameField group(protocol::group_field(frame, 0));
    if (!group.is_terminated()) {
        return illegal("illegal request: group name \"" + protocol::escaped(group.view()) +
                       "\" fills its 32 bytes without a NUL");
    }
    if (kind_ == RequestKind::kJoin) {
        return Join{group};
    }
    return Leave{group};
}

}  // namespace spread::session
