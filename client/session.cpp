#include "spread/session.hpp"

#include <algorithm>
#include <utility>

#include "client/session_impl.hpp"

namespace spread {

namespace {

using Sending = SessionImpl::Sending;

/// Sends to one group or several, whose names are checked first.
Result<std::uint64_t> send(SessionImpl& session, const Delivery& delivery,
                           std::span<const std::string_view> groups, Body body, Sending how) {
    const auto names = client::make_group_list(groups);
    if (!names) {
        return tl::unexpected(names.error());
    }
    return session.multicast(delivery, *names, body, how);
}

Result<std::uint64_t> send(SessionImpl& session, const Delivery& delivery, std::string_view group,
                           Body body, Sending how) {
    const auto name = client::make_group(group);
    if (!name) {
        return tl::unexpected(name.error());
    }
    return session.multicast(delivery, std::span(&*name, 1), body, how);
}

/// Also for a time that means for ever.
client::Deadline deadline_after(std::chrono::milliseconds timeout) {
    constexpr std::chrono::hours kLongest{24 * 365};
    return client::Clock::now() + std::min<std::chrono::milliseconds>(timeout, kLongest);
}

}  // namespace

Result<Session> Session::connect(Options options) {
    auto servers = client::server_list(options);
    auto first = client::connect_any(options, servers, 0);
    if (!first) {
        return tl::unexpected(std::move(first.error()));
    }
    return Session(
        std::make_unique<SessionImpl>(std::move(options), std::move(servers), std::move(*first)));
}

Session::Session(std::unique_ptr<SessionImpl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&& other) noexcept = default;
Session& Session::operator=(Session&& other) noexcept = default;
Session::~Session() = default;

Result<void> Session::join(std::string_view group) {
    return impl_->join(group);
}

Result<void> Session::leave(std::string_view group) {
    return impl_->leave(group);
}

Result<std::uint64_t> Session::multicast(const Delivery& delivery, std::string_view group,
                                         Body body) {
    return send(*impl_, delivery, group, body, Sending::kBlock);
}

Result<std::uint64_t> Session::multigroup_multicast(const Delivery& delivery,
                                                    std::span<const std::string_view> groups,
                                                    Body body) {
    return send(*impl_, delivery, groups, body, Sending::kBlock);
}

Result<std::uint64_t> Session::multigroup_multicast(const Delivery& delivery,
                                                    const std::vector<std::string>& groups,
                                                    Body body) {
    const std::vector<std::string_view> names(groups.begin(), groups.end());
    return send(*impl_, delivery, names, body, Sending::kBlock);
}

Result<std::uint64_t> Session::try_multicast(const Delivery& delivery, std::string_view group,
                                             Body body) {
    return send(*impl_, delivery, group, body, Sending::kTry);
}

Result<std::uint64_t> Session::try_multigroup_multicast(const Delivery& delivery,
                                                        std::span<const std::string_view> groups,
                                                        Body body) {
    return send(*impl_, delivery, groups, body, Sending::kTry);
}

Result<std::uint64_t> Session::queue_multicast(const Delivery& delivery, std::string_view group,
                                               Body body) {
    return send(*impl_, delivery, group, body, Sending::kQueue);
}

Result<std::size_t> Session::flush() {
    return impl_->flush();
}

Result<void> Session::flush(std::chrono::milliseconds timeout) {
    return impl_->flush(deadline_after(timeout));
}

Result<Event> Session::receive() {
    return impl_->receive(std::nullopt);
}

Result<Event> Session::receive(std::chrono::milliseconds timeout) {
    return impl_->receive(deadline_after(timeout));
}

Result<std::optional<Event>> Session::try_receive() {
    return impl_->try_receive();
}

Result<std::size_t> Session::visit_messages(Visitor visitor, void* context) {
    return impl_->visit(visitor, context);
}

std::size_t Session::poll() const {
    return impl_->poll();
}

void Session::interrupt() {
    impl_->interrupt();
}

Result<int> Session::descriptor() {
    const auto readiness = impl_->readiness();
    return readiness ? Result<int>((*readiness)->descriptor()) : tl::unexpected(readiness.error());
}

Result<int> Session::room_descriptor() {
    const auto readiness = impl_->readiness();
    return readiness ? Result<int>((*readiness)->room_descriptor())
                     : tl::unexpected(readiness.error());
}

void Session::close() {
    impl_->close();
}

std::string Session::private_group() const {
    return impl_->private_group();
}

std::string Session::address() const {
    return impl_->address();
}

DaemonVersion Session::daemon_version() const {
    return impl_->daemon_version();
}

SessionState Session::state() const {
    return impl_->state();
}

SessionStats Session::stats() const {
    return impl_->stats();
}

}  // namespace spread
