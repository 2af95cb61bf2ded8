#pragma once

#include <stdexcept>
#include <utility>
#include <variant>

#include "spread/session.hpp"
#include "tests/support/deadline.hpp"

namespace spread::support {

/// The next event of this kind; others before it are skipped.
template <typename Kind>
Kind next_event(Session& session) {
    while (true) {
        auto event = session.receive(kPatience);
        if (!event) {
            throw std::runtime_error(event.error().text);
        }
        if (auto* wanted = std::get_if<Kind>(&*event)) {
            return std::move(*wanted);
        }
    }
}

}  // namespace spread::support
