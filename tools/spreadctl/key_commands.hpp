#pragma once

#include <chrono>
#include <string>

#include "tools/spreadctl/http_client.hpp"

namespace spread::spreadctl {

/// Keys by the ring: what a running daemon is asked for, and what comes of it at all others. Each
/// function returns an exit status: 0 done everywhere; 1 refused, and nothing has changed, or it
/// has failed; 4 on its way, and not done after the time that was allowed. Throws Unreachable.
class KeyCommands {
  public:
    KeyCommands(HttpClient client, std::chrono::milliseconds patience, bool json)
        : client_(std::move(client)), patience_(patience), json_(json) {}

    [[nodiscard]] int list() const;
    [[nodiscard]] int rotate() const;
    [[nodiscard]] int install(const std::string& file) const;
    [[nodiscard]] int use(const std::string& key) const;
    [[nodiscard]] int remove(const std::string& key, const std::string& drop) const;

  private:
    HttpClient client_;
    std::chrono::milliseconds patience_;
    bool json_;
};

}  // namespace spread::spreadctl
