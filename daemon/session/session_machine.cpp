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
constexpr std::string_view kAddressMethod = "IP";
constexpr std::string_view kPasswordMethod = "PWORD";

bool contains(const std::vector<std::string>& methods, std::string_view method) {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
}

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
        case SessionPhase::kProving: return next_proof(input);
        case SessionPhase::kAdmitted: return accept();
        case SessionPhase::kOpen: return next_request(input);
        case SessionPhase::kDone: break;
        case SessionPhase::kNaming:
        case SessionPhase::kAsking: SPREAD_ASSERT(!is_waiting());
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

bool SessionMachine::is_short_of_name() const {
    return phase_ == SessionPhase::kConnect &&
           protocol::has_connect_head(std::span(partial_).first(partial_size_));
}

SessionStep SessionMachine::next_named() {
    if (version_.chooses_auth()) {
        phase_ = SessionPhase::kAuth;
        return AuthListDue{protocol::encode_auth_list(methods_->allowed)};
    }
    // Libraries before 3.16 are not asked: their address counts where addresses do, else they get
    // in where no proof is needed (CP 3.1). They cannot give a password.
    const bool by_address = contains(methods_->allowed, kAddressMethod);
    if (!by_address && !contains(methods_->allowed, kNullMethod)) {
        return reject(RejectCode::kAuth,
                      "its library cannot choose a method, and neither NULL nor IP is allowed");
    }
    if (auto why = choose_methods({std::string(by_address ? kAddressMethod : kNullMethod)});
        !why.empty()) {
        return reject(RejectCode::kAuth, std::move(why));
    }
    if (contains(to_prove_, kPasswordMethod)) {
        return reject(RejectCode::kAuth, "its library cannot give the password that PWORD wants");
    }
    phase_ = SessionPhase::kProving;
    protocol::Slice nothing;
    return next_proof(nothing);
}

SessionStep SessionMachine::next_auth(Slice& input) {
    if (methods_->allowed.empty()) {
        return reject(RejectCode::kAuth, "AllowedAuthMethods names no method");
    }
    if (!fill_partial(protocol::kAuthChoiceBytes, input)) {
        return NeedBytes{};
    }
    partial_size_ = 0;
    auto chosen = protocol::decode_auth_choice(partial_);
    if (!chosen) {
        return reject(chosen.error());
    }
    if (auto why = choose_methods(std::move(*chosen)); !why.empty()) {
        return reject(RejectCode::kAuth, std::move(why));
    }
    phase_ = SessionPhase::kProving;
    return next_proof(input);
}

// The chosen methods run in their order, then the required ones that were not chosen (CP 3.3).
std::string SessionMachine::choose_methods(std::vector<std::string> chosen) {
    for (const std::string& method : chosen) {
        if (!contains(methods_->allowed, method)) {
            return "it chose method " + protocol::escaped(method) +
                   ", which AllowedAuthMethods does not name";
        }
    }
    for (const std::string& method : methods_->required) {
        if (!contains(chosen, method)) {
            chosen.push_back(method);
        }
    }
    const auto is_known = [](const std::string& method) {
        return method == kNullMethod || method == kAddressMethod || method == kPasswordMethod;
    };
    to_prove_.assign(chosen.rbegin(), chosen.rend());
    return std::all_of(to_prove_.begin(), to_prove_.end(), is_known)
               ? std::string()
               : std::string("there is a method that nobody knows");
}

// All methods run, also after one has failed (CP 3.3).
SessionStep SessionMachine::next_proof(Slice& input) {
    if (verdict_due_) {
        verdict_due_ = false;
        return VerdictDue{protocol::encode_password_verdict(last_answer_)};
    }
    while (!to_prove_.empty() && to_prove_.back() == kNullMethod) {
        to_prove_.pop_back();  // no exchange, and always a success
    }
    if (to_prove_.empty()) {
        if (proof_failed_) {
            return reject(RejectCode::kAuth, std::move(why_failed_));
        }
        phase_ = SessionPhase::kAsking;
        return AdmissionAsked{};
    }
    if (to_prove_.back() == kAddressMethod) {
        phase_ = SessionPhase::kAsking;
        return AddressAsked{};
    }
    if (!fill_partial(protocol::kPasswordProofBytes, input)) {
        return NeedBytes{};
    }
    partial_size_ = 0;
    protocol::PasswordProof proof =
        protocol::decode_password_proof(std::span(partial_).first<protocol::kPasswordProofBytes>());
    std::fill(partial_.begin(), partial_.end(), std::byte{0});
    user_asked_ = proof.user;
    phase_ = SessionPhase::kAsking;
    return PasswordAsked{std::move(proof.user), std::move(proof.password)};
}

void SessionMachine::answer(bool yes, std::string why_not) {
    SPREAD_ASSERT(phase_ == SessionPhase::kAsking);
    last_answer_ = yes;
    if (!yes && !proof_failed_) {
        why_failed_ = std::move(why_not);
    }
    proof_failed_ = proof_failed_ || !yes;
    phase_ = SessionPhase::kProving;
    if (to_prove_.empty()) {  // it was about the admission
        phase_ = yes ? SessionPhase::kAdmitted : SessionPhase::kProving;
        return;
    }
    if (to_prove_.back() == kPasswordMethod) {
        verdict_due_ = true;
        if (yes) {
            login_ = std::move(user_asked_);
        }
    }
    to_prove_.pop_back();
}

SessionStep SessionMachine::accept() {
    phase_ = SessionPhase::kOpen;
    return Accepted{protocol::encode_accept(version_, private_group_.view())};
}

SessionStep SessionMachine::reject(RejectCode code, std::string why) {
    refuse();
    return Rejected{code, std::move(why)};
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
// (CP 5.1).
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
        auto step = finish_request(input.bytes());
        advance(input, std::min<std::size_t>(frame_size_, input.length));
        return step;
    }
    protocol::normalise_session_header(header_, writable(input).first<kSessionHeaderBytes>());
    Slice frame{input.buffer, input.offset, static_cast<std::uint32_t>(frame_size_)};
    advance(input, frame_size_);
    return multicast(std::move(frame));
}

SessionStep SessionMachine::multicast(Slice&& frame) const {
    return Multicast{protocol::ring_service(header_.type), protocol::Message(std::move(frame)),
                     header_.type, static_cast<std::size_t>(header_.data_len)};
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
    } else if (frame_have_ < protocol::kRequestHeadBytes) {
        const std::size_t kept = std::min(count, protocol::kRequestHeadBytes - frame_have_);
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
        return finish_request(partial_);
    }
    protocol::normalise_session_header(
        header_, std::span(frame_->data(), frame_size_).first<kSessionHeaderBytes>());
    Slice frame{std::exchange(frame_, {}), 0, static_cast<std::uint32_t>(frame_size_)};
    return multicast(std::move(frame));
}

SessionStep SessionMachine::finish_request(std::span<const std::byte> head) {
    auto request = protocol::decode_request(kind_, header_, head);
    if (!request) {
        return illegal(describe(request.error(), header_));
    }
    if (kind_ == RequestKind::kKill) {
        refuse();
    }
    return Requested{*request};
}

}  // namespace spread::session
