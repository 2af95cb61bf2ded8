#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "client/connection.hpp"

namespace spread::chaos {

/// Connects to a daemon in a thread of its own: a stopped daemon lets callers wait, and the other
/// clients must not wait with this one.
class Connector {
  public:
    /// `network_namespace` is a descriptor, -1 for ours. `library`: a C library that does it in a
    /// process of its own (library_relay.cpp); empty: our own code does.
    Connector(client::ConnectOptions options, int network_namespace, std::string library = {});

    /// The outcome, once, when there is one.
    [[nodiscard]] std::optional<client::Result<client::Connection>> poll();

  private:
    std::optional<client::Result<client::Connection>> result_;
    std::atomic<bool> is_done_ = false;
    std::jthread thread_;
};

}  // namespace spread::chaos
