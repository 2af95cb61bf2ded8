#include "tests/checker/ring_checker.hpp"

#include <utility>

#include "tests/checker/ring_checker_impl.hpp"

namespace spread::checker {

using membership::ConfigurationChange;

void RingChecker::Impl::fail(std::string property, std::string summary,
                             std::vector<std::string> evidence) {
    if (!violation) {
        violation = Violation{std::move(property), std::move(summary), std::move(evidence)};
    }
}

std::vector<std::string> RingChecker::Impl::show(const Ring& ring, const Stay& stay) const {
    return stay.life == kNobody ? std::vector<std::string>()
                                : history(lives[stay.life], ring, stay, transitions);
}

std::vector<std::string> RingChecker::Impl::show(const Ring& ring, const Stay& one,
                                                 const Stay& other) const {
    std::vector<std::string> lines = show(ring, one);
    if (&one != &other) {
        const std::vector<std::string> more = show(ring, other);
        lines.insert(lines.end(), more.begin(), more.end());
    }
    return lines;
}

std::string RingChecker::Impl::ring_text(Index ring) const {
    return ring == kNobody ? "no ring" : text(rings[ring].id);
}

void RingChecker::Impl::finish_quiet() {
    for (const Life& life : lives) {
        if (life.ended) {
            continue;
        }
        check_last_configuration(life);
        for (const Lane& lane : life.lanes) {
            if (const Accepted* due = lane.next()) {
                fail("P3", text(life) + " never delivered its own " + text(*due));
            }
        }
        if (life.ring != kNobody) {
            check_safe_owed(rings[life.ring], stay_of(life));
        }
        for (const Index index : life.expected) {
            const Stay& stay = *rings[index].stay_of(life.daemon);
            if (stay.state == StayState::kExpected) {
                check_safe_owed(rings[index], stay);
            }
        }
    }
}

RingChecker::RingChecker(Holds holds) : impl_(std::make_unique<Impl>(std::move(holds))) {}
RingChecker::~RingChecker() = default;

LifeId RingChecker::on_start(protocol::DaemonId daemon) {
    const auto index = static_cast<Index>(impl_->lives.size());
    Impl::Daemon& known = impl_->daemons[daemon];
    known.life = index;
    Life& life = impl_->lives.emplace_back();
    life.daemon = daemon;
    life.number = ++known.lives;
    return LifeId{index + 1};
}

void RingChecker::on_accept(LifeId id, const MessageFacts& message) {
    if (impl_->violation) {
        return;
    }
    Life& life = impl_->life_of(id);
    Accepted accepted;
    accepted.facts = {message.service, message.kind, message.digest};
    accepted.epoch = life.epoch;
    if (life.ring != kNobody) {
        accepted.after = impl_->stay_of(life).last();
    }
    life.lane(message.lane).accept(accepted);
}

void RingChecker::on_configuration(LifeId id, const ConfigurationChange& change) {
    if (impl_->violation) {
        return;
    }
    if (change.kind == membership::ConfigurationKind::kTransitional) {
        impl_->on_transitional(id.value - 1, change);
    } else {
        impl_->on_regular(id.value - 1, change);
    }
}

void RingChecker::on_delivery(LifeId id, const Position& position, protocol::DaemonId origin,
                              const MessageFacts& message) {
    if (!impl_->violation) {
        impl_->on_delivery(id.value - 1, position,
                           Entry{Place{position.seq.value, position.index}, origin,
                                 Facts{message.service, message.kind, message.digest}});
    }
}

void RingChecker::on_resume(LifeId id, protocol::RingId ring) {
    const Life& life = impl_->life_of(id);
    if (!impl_->violation && life.ring != kNobody && impl_->rings[life.ring].id == ring) {
        impl_->stay_of(life).resumed = true;
    }
}

void RingChecker::on_end(LifeId id) {
    if (!impl_->violation) {
        impl_->end_life(impl_->life_of(id));
    }
}

void RingChecker::finish(bool quiet) {
    if (!impl_->violation && quiet) {
        impl_->finish_quiet();
    }
}

const std::optional<Violation>& RingChecker::violation() const {
    return impl_->violation;
}

}  // namespace spread::checker
