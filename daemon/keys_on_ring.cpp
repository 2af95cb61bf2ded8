#include "daemon/keys_on_ring.hpp"

#include <utility>

#include "daemon/clients/session_server.hpp"
#include "daemon/ring/roster_of.hpp"
#include "daemon/session/key_messages.hpp"

namespace spread::daemon {

KeysOnRing::KeysOnRing(const config::Configuration& configuration, std::size_t self,
                       sealing::KeyRing keys)
    : configuration_(configuration),
      agreement_({roster_of(configuration), protocol::DaemonId{configuration.daemons[self].id},
                  keys, [this](sealing::KeyOrder order) { carry_out(std::move(order)); }}),
      keys_(std::move(keys)) {}

void KeysOnRing::start(SessionServer& server) {
    KeyKeeper::Setup setup;
    setup.file = *configuration_.ring_key_file;
    setup.user = configuration_.daemon_user.value_or("");
    setup.roster = roster_of(configuration_);
    setup.keys = std::exchange(keys_, {});
    setup.changed = [this, &server](const sealing::KeyStore::State& state,
                                    std::optional<sealing::Mode> mode) {
        server.visit([this, state, mode](const SessionServer::Inside& inside) {
            driver::SealingChange change;
            change.mode = mode;
            change.keys = std::make_unique<sealing::KeyRing>(state.keys);
            inside.ring.steer(std::move(change));
            agreement_.on_keys(state);
            session::submit_key_messages(agreement_, inside.out);
        });
    };
    keeper_ = std::make_unique<KeyKeeper>(std::move(setup));
}

}  // namespace spread::daemon
