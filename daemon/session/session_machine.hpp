#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "protocol/buffer.hpp"
#include "protocol/message.hpp"
#include "protocol/names.hpp"
#include "protocol/service.hpp"
#include "protocol/session_wire.hpp"

namespace spread::session {

enum class SessionPhase : std::uint8_t {
    kConnect,   ///< C1 is not complete
    kNaming,    ///< the caller decides about the name
    kNamed,     ///< the name is granted; D1 or D2 is due
    kAuth,      ///< D1 is out, C2 is not complete
    kProving,   ///< the methods run
    kAsking,    ///< the caller decides about a proof or the admission
    kAdmitted,  ///< D2 is due
    kOpen,      ///< D2 is out; requests
    kDone       ///< rejected, killed or illegal; further bytes are ignored
};

/// Nothing more to say until more bytes arrive.
struct NeedBytes {};

/// C1 is complete and well-formed. The caller answers with grant_name() or refuse().
struct NameAsked {
    protocol::ConnectRequest request;
};

/// D1, to be written in one piece.
struct AuthListDue {
    std::vector<std::byte> bytes;
};

/// Method IP: is the client's address admitted? The caller calls answer().
struct AddressAsked {};

/// Method PWORD: is this the user's password? The caller calls answer().
struct PasswordAsked {
    std::string user;
    std::string password;
};

/// PWORD's answer to the client, one byte.
struct VerdictDue {
    std::vector<std::byte> bytes;
};

/// Every method has succeeded: may the client come in? The caller calls answer().
struct AdmissionAsked {};

/// D2, to be written in one piece; the session is open.
struct Accepted {
    std::vector<std::byte> bytes;
};

/// The code goes out as one byte, then the connection closes.
struct Rejected {
    protocol::RejectCode code;
    std::string why{};  ///< the step that failed, printable; may be empty
};

/// A checked multicast, ready for delivery: header little-endian, all else as sent.
struct Multicast {
    protocol::Service service;
    protocol::Message frame;
    std::uint32_t type = 0;      ///< of the header
    std::size_t body_bytes = 0;  ///< of the frame
};

/// Any other request.
struct Requested {
    protocol::SessionRequest request;
};

/// The session is to be dropped. `detail` is printable.
struct Illegal {
    std::string detail;
};

using SessionStep =
    std::variant<NeedBytes, NameAsked, AuthListDue, AddressAsked, PasswordAsked, VerdictDue,
                 AdmissionAsked, Accepted, Rejected, Multicast, Requested, Illegal>;

/// How clients prove who they are: NULL, IP, PWORD, in any order (CP 3.2 to 3.4). A
/// client chooses among the allowed ones; required ones run in addition.
struct AuthMethods {
    std::vector<std::string> allowed = {"NULL"};
    std::vector<std::string> required;
};

/// One client connection without its socket: handshake, framing and request checks (CP 3
/// to 5).
///
/// The caller hands in what it read and pulls steps until NeedBytes. Bytes may come in any
/// fragmentation, also during the handshake, where stock insists on whole pieces; answers and
/// reject codes are stock's. A multicast that lies within one read buffer is normalised where it
/// stands and shares that buffer; one that straddles reads is put together in a buffer of its own,
/// which grows only as bytes arrive, so that announcing a large message costs a client's bytes, not
/// our memory.
class SessionMachine {
  public:
    /// `methods` must outlive the machine.
    explicit SessionMachine(const AuthMethods& methods) : methods_(&methods) {}

    /// The next step; the bytes it used are cut off the front of `input`. Must not be called while
    /// the caller owes an answer.
    [[nodiscard]] SessionStep next(protocol::Slice& input);

    /// Answers NameAsked. `private_group` is what requests must carry from now on.
    void grant_name(const protocol::NameField& private_group);
    /// Answers AddressAsked, PasswordAsked or AdmissionAsked; `why_not` is printable, for the log.
    void answer(bool yes, std::string why_not = {});
    /// Ends the session; the caller sends the reject byte or nothing.
    void refuse();

    [[nodiscard]] SessionPhase phase() const { return phase_; }
    [[nodiscard]] const protocol::NameField& private_group() const { return private_group_; }
    [[nodiscard]] bool wants_membership() const { return wants_membership_; }
    /// What the client's library calls itself; known from NameAsked on.
    [[nodiscard]] const protocol::SpreadVersion& client_version() const { return version_; }
    /// C1 has arrived up to its name, which is incomplete.
    [[nodiscard]] bool is_short_of_name() const;
    /// The user whose password was right; empty when none was asked for.
    [[nodiscard]] const std::string& login() const { return login_; }
    /// The caller owes an answer.
    [[nodiscard]] bool is_waiting() const {
        return phase_ == SessionPhase::kNaming || phase_ == SessionPhase::kAsking;
    }
    /// Bytes held for a message that is not complete yet.
    [[nodiscard]] std::size_t assembly_bytes() const { return frame_ ? frame_->capacity() : 0; }

  private:
    [[nodiscard]] SessionStep next_connect(protocol::Slice& input);
    [[nodiscard]] SessionStep next_named();
    [[nodiscard]] SessionStep next_auth(protocol::Slice& input);
    [[nodiscard]] SessionStep next_proof(protocol::Slice& input);
    [[nodiscard]] SessionStep next_request(protocol::Slice& input);

    [[nodiscard]] SessionStep accept();
    [[nodiscard]] SessionStep reject(protocol::RejectCode code, std::string why = {});
    [[nodiscard]] SessionStep illegal(std::string detail);

    /// Moves bytes from `input` to partial_ until that holds `wanted`; false if there are too few.
    bool fill_partial(std::size_t wanted, protocol::Slice& input);
    [[nodiscard]] SessionStep take_whole(protocol::Slice& input);
    [[nodiscard]] SessionStep multicast(protocol::Slice&& frame) const;
    void begin_frame();
    void take_part(protocol::Slice& input);
    void reserve_frame(std::size_t incoming);
    [[nodiscard]] SessionStep finish_frame();
    [[nodiscard]] SessionStep finish_request(std::span<const std::byte> head);

    static_assert(protocol::kRequestHeadBytes <= protocol::kAuthChoiceBytes);
    static_assert(protocol::kConnectBytesMax <= protocol::kAuthChoiceBytes);
    static_assert(protocol::kPasswordProofBytes <= protocol::kAuthChoiceBytes);

    /// Why these methods will not do, printable; empty: they will.
    [[nodiscard]] std::string choose_methods(std::vector<std::string> chosen);

    const AuthMethods* methods_;
    protocol::NameField private_group_;
    protocol::SpreadVersion version_;
    SessionPhase phase_ = SessionPhase::kConnect;
    bool wants_membership_ = false;

    std::vector<std::string> to_prove_;  ///< methods still to run, last one first
    bool verdict_due_ = false;
    bool proof_failed_ = false;
    std::string why_failed_;  ///< of the first proof that failed
    bool last_answer_ = false;
    std::string login_;
    std::string user_asked_;

    /// C1, C2, a password, or the start of a message, whichever is incomplete.
    std::array<std::byte, protocol::kAuthChoiceBytes> partial_{};
    std::size_t partial_size_ = 0;

    bool in_frame_ = false;  ///< header_ is checked, its message not complete
    protocol::RequestKind kind_{};
    protocol::SessionHeader header_;
    std::size_t frame_size_ = 0;
    std::size_t frame_have_ = 0;
    protocol::BufferRef frame_;  ///< of a multicast only
};

}  // namespace spread::session
