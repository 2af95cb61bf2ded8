#pragma once

#include <cstddef>

namespace spread::config {
struct Configuration;
}  // namespace spread::config
namespace spread::daemon {
class KeysOnRing;
class ProcessWatch;
class RingThread;
class SessionServer;
class StateKeeper;
class TlsFiles;
}  // namespace spread::daemon

namespace spread::admin {

class History;
class RingWatch;

/// What the status is made of.
struct StatusParts {
    const config::Configuration& configuration;
    std::size_t self;  ///< this daemon's place in it
    const daemon::RingThread& ring;
    daemon::SessionServer& sessions;
    const RingWatch& watch;
    const History& history;
    const daemon::ProcessWatch& process;
    const daemon::StateKeeper& keeper;
    const bool& last_reload_was_good;       ///< of what no other part tells itself
    const daemon::TlsFiles* tls = nullptr;  ///< null: clients do not speak TLS
    daemon::KeysOnRing* keys = nullptr;     ///< null: the ring has no key
};

}  // namespace spread::admin
