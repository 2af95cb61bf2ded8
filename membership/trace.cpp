#include "membership/trace.hpp"

#include "membership/ring_engine.hpp"

namespace spread::membership {

std::string_view to_string(ChangeReason reason) {
    switch (reason) {
        case ChangeReason::kStart: return "start";
        case ChangeReason::kTokenLoss: return "token loss";
        case ChangeReason::kJoinReceived: return "join received";
        case ChangeReason::kForeignRing: return "foreign ring heard";
        case ChangeReason::kPeerLeft: return "peer left";
        case ChangeReason::kPeerUnreachable: return "peer unreachable";
        case ChangeReason::kNoProgress: return "no progress though the token goes round";
        case ChangeReason::kStateOverdue: return "group state overdue";
        case ChangeReason::kSameIdentity: return "two hosts claim to be one daemon";
        case ChangeReason::kConsensus: return "consensus";
        case ChangeReason::kCommitTokenReceived: return "commit token received";
        case ChangeReason::kCommitTimeout: return "commit token lost";
        case ChangeReason::kRecoveryTimeout: return "token lost during recovery";
        case ChangeReason::kRecoveryComplete: return "recovery complete";
        case ChangeReason::kAlone: return "nobody else answers";
    }
    return "unknown";
}

std::string_view to_string(RingState state) {
    switch (state) {
        case RingState::kOperational: return "Operational";
        case RingState::kGather: return "Gather";
        case RingState::kCommit: return "Commit";
        case RingState::kRecovery: return "Recovery";
    }
    return "unknown";
}

}  // namespace spread::membership
