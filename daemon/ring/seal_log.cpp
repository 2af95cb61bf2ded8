#include "daemon/ring/seal_log.hpp"

#include <fmt/format.h>

namespace spread::daemon {
namespace {

using sealing::Refusal;

constexpr auto kWarnEvery = std::chrono::seconds(10);
constexpr auto kSayPlainEvery = std::chrono::minutes(10);
/// A stream proves itself in one round trip; what takes longer is worth a line.
constexpr auto kProofPatience = std::chrono::seconds(3);

std::string_view words_of(sealing::Mode mode) {
    switch (mode) {
        case sealing::Mode::kAccept: return "sends plain datagrams, takes both kinds";
        case sealing::Mode::kSend: return "seals what it sends, takes both kinds";
        case sealing::Mode::kRequire: break;
    }
    return "seals what it sends, takes sealed datagrams only";
}

}  // namespace

void SealLog::on_start(const sealing::RingSeal& seal) {
    log_event_with(LogEvent::kRingKeys, {{"key", to_string(seal.keys().in_use().id)}},
                   "ring key {} of {} in use, {} known: {} ({} by {})",
                   to_string(seal.keys().in_use().id), file_, seal.keys().keys().size(),
                   words_of(seal.mode()), to_string(seal.suite()), to_string(seal.backend()));
}

std::string SealLog::who(const Endpoint& source, protocol::DaemonId daemon) const {
    return daemon ? fmt::format("{} (daemon {})", source.to_string(), roster_.describe(daemon))
                  : source.to_string();
}

std::string SealLog::text_of(Refusal refusal, const sealing::Envelope& envelope,
                             const sealing::KeyRing& keys) const {
    switch (refusal) {
        case Refusal::kPlain:
            return "does not seal, and RingSealing = require here; set RingKeyFile there, or "
                   "RingSealing = send here until all daemons have it";
        case Refusal::kMalformed:
            return "sent a sealed datagram of another version; install the same release of spreadd "
                   "on all hosts";
        case Refusal::kKey:
            return fmt::format(
                "seals with ring key {}, which is not in {} ({} in use): give both the same file",
                to_string(envelope.key), file_, to_string(keys.in_use().id));
        case Refusal::kForged:
            return fmt::format("sent datagrams that claim ring key {} and are forged or damaged",
                               to_string(envelope.key));
        case Refusal::kUnproven:
            return fmt::format(
                "knows ring key {} but does not answer: one way is blocked, or a recording is "
                "played",
                to_string(envelope.key));
        case Refusal::kBusy:
            return "sends so many datagrams of unknown streams that most are dropped unread";
        case Refusal::kNone:
        case Refusal::kSender:
        case Refusal::kReplayed: break;
    }
    return {};
}

void SealLog::on_refused(protocol::Instant now, const Endpoint& source, Refusal refusal,
                         const sealing::Envelope& envelope, const sealing::KeyRing& keys) {
    const protocol::DaemonId sender =
        refusal != Refusal::kPlain && roster_.contains(envelope.sender) ? envelope.sender
                                                                        : protocol::DaemonId{};
    if (refusal == Refusal::kUnproven) {
        auto& [since, last] = unproven_[sender.value];
        if (now - last > kProofPatience) {
            since = now;
        }
        last = now;
        if (now - since < kProofPatience) {
            return;
        }
    }
    const std::string text = text_of(refusal, envelope, keys);
    if (text.empty()) {
        return;
    }
    auto& limit = limits_.try_emplace({refusal, sender.value}, kWarnEvery).first->second;
    if (const auto more = limit.admit(now)) {
        log_event_with(
            LogEvent::kSealRefused, {{"source", source.to_string()}}, "{} {}{}",
            who(source, sender), text,
            *more == 0 ? std::string() : fmt::format(" ({} more since the last warning)", *more));
    }
}

void SealLog::on_event(const sealing::SealEvent& event) {
    switch (event.kind) {
        case sealing::SealEvent::Kind::kPutBack:
            log_event(LogEvent::kPutBack,
                      "{} has seen datagrams of this process that it has not sent yet: its "
                      "machine was restored from a snapshot, or a copy of it runs; ending",
                      roster_.describe(event.peer));
            return;
        case sealing::SealEvent::Kind::kTwoLives:
            log_event(LogEvent::kTwoLives,
                      "two daemons answer in turns under the name of {}; stop one of them",
                      roster_.describe(event.peer));
            return;
        case sealing::SealEvent::Kind::kKeyKept:
            log_event(LogEvent::kRingKeyTaken,
                      "understands ring key {} of {} from now on: both sides have changed keys; "
                      "`spreadctl key rotate` brings all to one",
                      to_string(event.key), roster_.describe(event.peer));
            return;
        case sealing::SealEvent::Kind::kKeyTaken:
            log_event(LogEvent::kRingKeyTaken,
                      "took over ring key {} from {}: it has changed while this daemon was away",
                      to_string(event.key), roster_.describe(event.peer));
            return;
    }
}

void SealLog::tick(protocol::Instant now, const sealing::RingSeal& seal) {
    const std::uint64_t taken = seal.counters().plain_taken;
    if (taken == plain_told_ || (plain_told_ != 0 && now - plain_told_at_ < kSayPlainEvery)) {
        return;
    }
    plain_told_ = taken;
    plain_told_at_ = now;
    log_event(LogEvent::kPlainTaken,
              "plain datagrams are taken on a ring with a key, so anybody can forge some; set "
              "RingSealing = require when all daemons seal");
}

}  // namespace spread::daemon
