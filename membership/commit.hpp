#pragma once

#include <utility>

#include "membership/engine_core.hpp"
#include "membership/forming.hpp"
#include "membership/packets.hpp"
#include "membership/ring_timers.hpp"
#include "membership/step.hpp"
#include "membership/transition.hpp"
#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::membership {

/// The entry of `self` in a commit token that its predecessor there has sent; null for tokens that
/// are meant for somebody else.
[[nodiscard]] protocol::CommitMember* own_entry(protocol::CommitToken& token,
                                                protocol::DaemonId self);
[[nodiscard]] protocol::MemberList member_list(const protocol::CommitToken& token);
/// What this daemon holds of its old ring, as its entry in a commit token of `member_count`
/// members.
[[nodiscard]] protocol::CommitMember report(const EngineCore& core, std::size_t member_count);
/// Sends the commit token to the next member.
void pass_commit_token(EngineCore& core, const Step& step, protocol::CommitToken& token);
/// True for a commit token that has been handled. Who sent it again is told that it has arrived, so
/// that at last only the one behind whom it was lost has got no answer.
[[nodiscard]] bool is_handled_copy(const EngineCore& core, const Forming& forming, const Step& step,
                                   protocol::CommitToken& token);
/// The member behind us says that the commit token has arrived.
void take_answer(EngineCore& core, const Forming& forming, const Step& step,
                 const protocol::PacketHeader& from, const Hold& hold);
/// How a member of the ring `forming`, which is not installed yet, reacts to a join.
[[nodiscard]] Next join_while_forming(const EngineCore& core, const Forming& forming,
                                      protocol::DaemonId sender, const protocol::Join& join);
/// How it reacts when a member of the old ring, or of the new one, leaves in order, or cannot be
/// reached.
[[nodiscard]] Next leave_while_forming(const EngineCore& core, const Forming& forming,
                                       const protocol::PacketHeader& from);
[[nodiscard]] Next unreachable_while_forming(const EngineCore& core, const Forming& forming,
                                             protocol::DaemonId peer);

/// What holds of the ring being formed from the first commit token until it is installed. Asserted.
void check_forming(const EngineCore& core, const Forming& forming);

/// The commit token passes all members twice: the first pass collects what each holds of its old
/// ring, the second tells everybody (Totem, TOCS 1995, section 5.2). A member is in this state from
/// the first pass to the second, and what it has reported must not change.
class Commit {
  public:
    Commit(EngineCore& core, Forming forming) : core_(core), forming_(std::move(forming)) {}

    Next on(const Step& step, const protocol::PacketHeader& from, const DataPacket& packet);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::Token& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const protocol::Join& join);
    Next on(const Step& step, const protocol::PacketHeader& from, protocol::CommitToken& token);
    Next on(const Step& step, const protocol::PacketHeader& from, const Hold& hold);
    Next on(const Step& step, const protocol::PacketHeader& from, const Leave& leave);
    /// A join or probe of the sender has shown how it hears and is heard.
    Next heard(const Step&, const protocol::PacketHeader&) { return Stay{}; }
    Next on_timer(const Step& step, RingTimer timer);
    Next on_unreachable(const Step& step, protocol::DaemonId peer);

    void pump(const Step&) {}
    [[nodiscard]] bool prefers_token() const { return false; }
    [[nodiscard]] const Forming* forming() const { return &forming_; }
    void check_invariants() const;

  private:
    EngineCore& core_;
    Forming forming_;
};

}  // namespace spread::membership
