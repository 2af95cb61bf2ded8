#include "membership/settings_exchange.hpp"

#include <chrono>
#include <utility>

namespace spread::membership {

void SettingsExchange::show(const Step& step, EngineCore& core, protocol::DaemonId to,
                            Destination by) {
    constexpr auto kShowAgainAfter = std::chrono::seconds(60);
    const auto place = core.roster.find(to);
    auto& shown = shown_[place ? std::size_t{*place} : core.roster.size()];
    if (core.config.settings.empty() || (shown && step.now - *shown < kShowAgainAfter)) {
        return;
    }
    shown = step.now;
    step.out.sends.push_back(
        {by, Channel::kData, to,
         protocol::encode_settings(core.config.settings,
                                   core.header(protocol::PacketKind::kSettings), core.pool)});
}

void SettingsExchange::take(const Step& step, const EngineCore& core,
                            const protocol::PacketHeader& from, const protocol::Slice& datagram) {
    const bool is_own =
        from.sender == core.config.self && from.config_hash == core.config.config_hash;
    if (auto text = protocol::decode_settings(datagram.bytes()); text && !is_own) {
        step.out.settings.emplace(from.sender, *std::move(text));
    }
}

}  // namespace spread::membership
