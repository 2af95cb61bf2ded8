#include "tests/chaos/connector.hpp"

#include <sched.h>

#include <cerrno>
#include <utility>

#include "client/address.hpp"

namespace spread::chaos {
namespace {

client::Result<client::Connection> connect_within(const client::ConnectOptions& options,
                                                  int network_namespace) {
    // The socket stays in the namespace in which it was made; the thread that made it is about to
    // end.
    if (network_namespace >= 0 && setns(network_namespace, CLONE_NEWNET) != 0) {
        return client::fail(client::ErrorCode::kCouldNotConnect,
                            "cannot enter a namespace: " + client::system_error_text(errno));
    }
    return client::connect(options);
}

}  // namespace

Connector::Connector(client::ConnectOptions options, int network_namespace)
    : thread_([this, options = std::move(options), network_namespace] {
          result_ = connect_within(options, network_namespace);
          is_done_ = true;
      }) {}

std::optional<client::Result<client::Connection>> Connector::poll() {
    if (!is_done_) {
        return std::nullopt;
    }
    return std::exchange(result_, std::nullopt);
}

}  // namespace spread::chaos
