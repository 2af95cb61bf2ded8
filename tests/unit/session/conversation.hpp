#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/session/session_machine.hpp"
#include "tests/unit/session/client_bytes.hpp"

namespace spread::session {

inline const AuthMethods kNullOnly;

/// A machine and what it said, one line per step, easy to compare.
class Conversation {
  public:
    explicit Conversation(const AuthMethods& methods = kNullOnly) : machine_(methods) {}

    /// What the caller of the machine knows: the right address, the right password, who may enter.
    bool address_is_known = true;
    std::string right_password = "secret";
    bool is_admitted = true;

    /// Feeds `bytes` in pieces of at most `piece` bytes, each in a buffer of its own.
    void feed(Bytes bytes, std::size_t piece = SIZE_MAX) {
        std::size_t position = 0;
        while (position < bytes.size()) {
            const std::size_t count = std::min(piece, bytes.size() - position);
            feed(slice_of(std::span(bytes).subspan(position, count)));
            position += count;
        }
    }

    void feed(protocol::Slice input) {
        for (;;) {
            SessionStep step = machine_.next(input);
            if (std::holds_alternative<NeedBytes>(step)) {
                EXPECT_EQ(input.length, 0U) << "all input is used";
                return;
            }
            if (const auto* multicast = std::get_if<Multicast>(&step)) {
                frames_.push_back(multicast->frame);
            }
            said_.push_back(describe(step));
            if (std::holds_alternative<AddressAsked>(step)) {
                machine_.answer(address_is_known);
            } else if (const auto* proof = std::get_if<PasswordAsked>(&step)) {
                machine_.answer(proof->password == right_password);
            } else if (std::holds_alternative<AdmissionAsked>(step)) {
                said_.pop_back();  // always asked; the tests look at what comes of it
                machine_.answer(is_admitted);
            }
            if (const auto* asked = std::get_if<NameAsked>(&step)) {
                machine_.grant_name(protocol::NameField(
                    protocol::make_private_group(asked->request.private_name, "d1")));
            }
        }
    }

    [[nodiscard]] const std::vector<std::string>& said() const { return said_; }
    [[nodiscard]] const std::string& last() const { return said_.back(); }
    [[nodiscard]] const std::vector<protocol::Message>& frames() const { return frames_; }
    [[nodiscard]] Bytes frame_bytes(std::size_t index) const { return bytes_of(frames_[index]); }
    [[nodiscard]] const SessionMachine& machine() const { return machine_; }
    void forget() { said_.clear(); }

  private:
    static std::string describe(const SessionStep& step) {
        struct Describe {
            std::string operator()(const NeedBytes&) const { return "need"; }
            std::string operator()(const NameAsked& s) const {
                return "name " + s.request.private_name;
            }
            std::string operator()(const AuthListDue& s) const { return "D1 " + to_hex(s.bytes); }
            std::string operator()(const AddressAsked&) const { return "address?"; }
            std::string operator()(const PasswordAsked& s) const {
                return "password? " + s.user + ":" + s.password;
            }
            std::string operator()(const VerdictDue& s) const {
                return "verdict " + to_hex(s.bytes);
            }
            std::string operator()(const AdmissionAsked&) const { return "admission?"; }
            std::string operator()(const Accepted& s) const { return "D2 " + to_hex(s.bytes); }
            std::string operator()(const Rejected& s) const {
                return "reject " + std::to_string(static_cast<int>(s.code));
            }
            std::string operator()(const Multicast& s) const {
                return (s.service == protocol::Service::kSafe ? "safe " : "agreed ") +
                       to_hex(bytes_of(s.frame));
            }
            std::string operator()(const Requested& s) const {
                return std::visit(Describe{}, s.request);
            }
            std::string operator()(const protocol::JoinRequest& s) const {
                return "join " + protocol::escaped(s.group.view());
            }
            std::string operator()(const protocol::LeaveRequest& s) const {
                return "leave " + protocol::escaped(s.group.view());
            }
            std::string operator()(const protocol::KillRequest&) const { return "kill"; }
            std::string operator()(const Illegal& s) const { return "illegal: " + s.detail; }
        };
        return std::visit(Describe{}, step);
    }

    SessionMachine machine_;
    std::vector<std::string> said_;
    std::vector<protocol::Message> frames_;
};

/// "tst" on d1, past its handshake.
inline Conversation opened() {
    Conversation c;
    c.feed(connect_bytes("tst"));
    c.feed(auth_bytes());
    EXPECT_EQ(c.machine().phase(), SessionPhase::kOpen);
    c.forget();
    return c;
}

}  // namespace spread::session
