// Who may come in, and visitors from other threads.

#include <memory>
#include <utility>

#include "daemon/clients/session_server.hpp"
#include "daemon/host/clock.hpp"

namespace spread::daemon {

using protocol::SessionId;

// Access -------------------------------------------------------------------------------------

void SessionServer::set_access(const AccessSetup& access, bool controls,
                               std::function<void()> done) {
    auto task = [this, access, controls, done = std::move(done)] {
        core_->set_address_rules(access.addresses);
        core_->set_access_rules(controls ? access.rules : nullptr);
        if (passwords_ != nullptr) {
            passwords_->replace_file(access.passwords);
        } else {
            passwords_ = std::make_unique<PasswordChecker>(
                access.passwords, [this](std::uint64_t id, bool is_good) {
                    post([this, id, is_good] { on_password(SessionId{id}, is_good); });
                });
        }
        if (done) {
            done();
        }
    };
    if (thread_.joinable()) {
        post(std::move(task));
    } else {
        task();  // so that what fails is told at the start
    }
}

void SessionServer::visit(Visitor visitor) {
    post([this, visitor = std::move(visitor)] {
        visitor({*core_, out_, sockets_, log_.totals(),
                 tls_ == nullptr ? protocol::TlsCounters() : tls_->counters(), port_});
        apply();
    });
}

void SessionServer::set_tls(std::shared_ptr<const tls::Context> context) {
    if (tls_ != nullptr) {
        tls_->replace_context(std::move(context));
    }
}

void SessionServer::check_passwords() {
    for (session::SessionOutput::PasswordCheck& check : out_.password_checks) {
        const SessionId id = check.session;
        if (passwords_ == nullptr ||
            !passwords_->submit({id.value, std::move(check.user), std::move(check.password)})) {
            // As a wrong one, but not from inside apply().
            post([this, id] { on_password(id, false); });
        }
    }
}

void SessionServer::on_password(SessionId id, bool is_good) {
    core_->on_password(now(), id, is_good, out_);
    apply();
}

}  // namespace spread::daemon
