#include "daemon/admin/drain.hpp"

#include "daemon/admin/status_source.hpp"

namespace spread::admin {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(200);

}  // namespace

void Drain::begin(std::chrono::seconds patience) {
    const bool is_first = !until_;
    until_ = std::chrono::steady_clock::now() + patience;
    source_.set_draining(std::chrono::system_clock::now() + patience);
    if (is_first) {
        commands_.stop_accepting();
        look();
    }
}

void Drain::look() {
    source_.status([this](const Status& status) {
        if (stopped_) {
            return;
        }
        if ((status.sessions && status.sessions->connected == 0) ||
            std::chrono::steady_clock::now() >= *until_) {
            commands_.stop();
            return;
        }
        timer_.expires_after(kLookEvery);
        timer_.async_wait([this](const boost::system::error_code& cancelled) {
            if (!cancelled) {
                look();
            }
        });
    });
}

void Drain::stop() {
    stopped_ = true;
    timer_.cancel();
}

}  // namespace spread::admin
