#include "membership/ring_config.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/ring_wire.hpp"

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::DaemonId;

RingSettings settings_of(std::uint32_t daemons) {
    RingSettings settings;
    for (std::uint32_t i = 1; i <= daemons; ++i) {
        settings.daemons.push_back(DaemonId{i});
    }
    settings.self = settings.daemons.front();
    return settings;
}

TEST(RingConfig, AFewDaemonsOnALocalNetworkGetTheDefaults) {
    RingSettings settings = settings_of(3);
    settings.self = DaemonId{2};
    settings.config_hash = 77;
    const RingConfig ring = RingConfig::settled(settings);
    const RingConfig defaults;
    EXPECT_EQ(ring.daemons, settings.daemons);
    EXPECT_EQ(ring.self, DaemonId{2});
    EXPECT_EQ(ring.config_hash, 77U);
    EXPECT_EQ(ring.token_loss_timeout, defaults.token_loss_timeout);
    EXPECT_EQ(ring.token_loss_timeout_max, 5s);
    EXPECT_EQ(ring.token_hold_timeout, defaults.token_hold_timeout);
    EXPECT_EQ(ring.token_settle_timeout, defaults.token_settle_timeout);
    EXPECT_EQ(ring.window, defaults.window);
    EXPECT_EQ(ring.window_max, defaults.window_max);
    EXPECT_EQ(ring.gap_max, defaults.gap_max);
    EXPECT_EQ(ring.accelerated_window, defaults.accelerated_window);
}

TEST(RingConfig, AWideAreaIsGivenMoreTimeWhereNothingWasSet) {
    RingSettings settings = settings_of(3);
    settings.wide_area = true;
    settings.join_timeout = 7ms;
    const RingConfig ring = RingConfig::settled(settings);
    const RingConfig defaults;
    EXPECT_EQ(ring.token_loss_timeout, 4 * defaults.token_loss_timeout);
    EXPECT_EQ(ring.start_timeout, 4 * defaults.start_timeout);
    EXPECT_EQ(ring.join_timeout, 7ms);
}

TEST(RingConfig, ManyDaemonsAreGivenMoreTimeToFormARing) {
    const RingConfig defaults;
    EXPECT_EQ(RingConfig::settled(settings_of(16)).join_timeout, defaults.join_timeout);
    RingSettings settings = settings_of(64);
    settings.start_timeout = 70ms;
    const RingConfig ring = RingConfig::settled(settings);
    EXPECT_EQ(ring.join_timeout, 16 * defaults.join_timeout);
    EXPECT_EQ(ring.consensus_timeout, 16 * defaults.consensus_timeout);
    EXPECT_EQ(ring.merge_detect_timeout, 16 * defaults.merge_detect_timeout);
    EXPECT_EQ(ring.start_timeout, 70ms);
    EXPECT_EQ(ring.shortest_pause(), ring.join_timeout) << "not longer than that";
    EXPECT_EQ(defaults.shortest_pause(), defaults.join_timeout / 10);
    EXPECT_EQ(defaults.news_pause(), defaults.join_timeout / 40);
    EXPECT_EQ(ring.token_loss_timeout, defaults.token_loss_timeout);
}

TEST(RingConfig, ALossTimeoutIsLearntUpToTwentyTimesItselfOrWhatWasSet) {
    RingSettings settings = settings_of(2);
    settings.token_loss_timeout = 100ms;
    EXPECT_EQ(RingConfig::settled(settings).token_loss_timeout_max, 2s);
    EXPECT_EQ(RingConfig::settled(settings).token_hold_timeout, 20ms);
    settings.token_loss_timeout_max = 300ms;
    EXPECT_EQ(RingConfig::settled(settings).token_loss_timeout_max, 300ms);
    settings.token_loss_timeout_max = 50ms;
    EXPECT_EQ(RingConfig::settled(settings).token_loss_timeout_max, 100ms);
    settings.token_loss_timeout_max.reset();
    settings.token_loss_timeout = 7s;
    EXPECT_EQ(RingConfig::settled(settings).token_loss_timeout_max, 7s);
}

TEST(RingConfig, AHeldTokenAndAQuietRingMoveBeforeTheRingIsGivenUp) {
    RingSettings settings = settings_of(2);
    settings.token_loss_timeout = 10ms;
    settings.token_loss_timeout_max = 10ms;
    EXPECT_EQ(RingConfig::settled(settings).token_hold_timeout, 4ms);
    EXPECT_EQ(RingConfig::settled(settings).token_settle_timeout, 1250us);
    settings.token_hold_timeout = 9ms;
    settings.token_settle_timeout = 9ms;
    EXPECT_EQ(RingConfig::settled(settings).token_hold_timeout, 4ms);
    EXPECT_EQ(RingConfig::settled(settings).token_settle_timeout, 1250us);
}

TEST(RingConfig, ALossTimeoutThatIsSetAloneScalesThoseOfFormingRings) {
    RingSettings settings = settings_of(2);
    settings.token_loss_timeout = 1000ms;
    RingConfig ring = RingConfig::settled(settings);
    const RingConfig defaults;
    EXPECT_EQ(ring.token_loss_timeout, 1000ms);
    EXPECT_EQ(ring.join_timeout, 4 * defaults.join_timeout);
    EXPECT_EQ(ring.consensus_timeout, 4 * defaults.consensus_timeout);
    EXPECT_EQ(ring.start_timeout, 4 * defaults.start_timeout);
    EXPECT_EQ(ring.merge_detect_timeout, 4 * defaults.merge_detect_timeout);
    EXPECT_EQ(ring.token_retransmit_timeout, defaults.token_retransmit_timeout);

    settings.consensus_timeout = 33ms;
    EXPECT_EQ(RingConfig::settled(settings).consensus_timeout, 33ms);

    // The same wherever the defaults are longer.
    settings.wide_area = true;
    EXPECT_EQ(RingConfig::settled(settings).join_timeout, 4 * defaults.join_timeout);

    settings.token_loss_timeout = 1ms;
    EXPECT_EQ(RingConfig::settled(settings).join_timeout, 1ms);
}

TEST(RingConfig, ACeilingOnlyLowersTheRetransmissionTimeout) {
    RingSettings settings = settings_of(2);
    settings.token_retransmit_timeout_max = 500ms;
    EXPECT_EQ(RingConfig::settled(settings).token_retransmit_timeout, 1ms);
    settings.token_retransmit_timeout_max = 200us;
    EXPECT_EQ(RingConfig::settled(settings).token_retransmit_timeout, 200us);
    settings.token_retransmit_timeout = 100us;
    EXPECT_EQ(RingConfig::settled(settings).token_retransmit_timeout, 100us);
}

TEST(RingConfig, WindowsThatWereSetAreFixedAndFitIntoEachOther) {
    RingSettings settings = settings_of(3);
    settings.window = 20;
    RingConfig ring = RingConfig::settled(settings);
    EXPECT_EQ(ring.window, 20U);
    EXPECT_EQ(ring.window_max, 20U);
    EXPECT_LE(ring.personal_window, ring.window);
    EXPECT_LE(ring.accelerated_window, ring.personal_window);

    settings.window.reset();
    settings.personal_window = 1000;
    ring = RingConfig::settled(settings);
    EXPECT_EQ(ring.personal_window, 1000U);
    EXPECT_EQ(ring.window, 1000U);
    EXPECT_EQ(ring.window_max, 1000U);
}

TEST(RingConfig, ARingThatIsNotAcceleratedSendsEverythingBeforeTheToken) {
    RingSettings settings = settings_of(3);
    settings.accelerated = false;
    settings.accelerated_window = 10;
    EXPECT_FALSE(RingConfig::settled(settings).accelerated);
    EXPECT_EQ(RingConfig::settled(settings).accelerated_window, 0U);
}

TEST(RingConfig, ManyDaemonsShareALargerWindowThatStillSizesItself) {
    const RingConfig defaults;
    const RingConfig eight = RingConfig::settled(settings_of(8));
    EXPECT_EQ(eight.window, 8 * 66U);
    EXPECT_EQ(eight.personal_window, defaults.personal_window);
    const RingConfig many = RingConfig::settled(settings_of(128));
    EXPECT_GE(many.window, defaults.window);
    EXPECT_LT(many.window, many.window_max);
}

TEST(RingConfig, WhatAWindowMayHoldFitsIntoACommitTokenOfAllDaemons) {
    for (const std::uint32_t daemons : {1U, 3U, 20U, 64U, 128U}) {
        for (const std::uint32_t window : {0U, 1U, 100U, 1000U, 32767U}) {
            for (const std::uint32_t window_max : {0U, 1U, 2000U, 0xffffffffU}) {
                RingSettings settings = settings_of(daemons);
                if (window != 0) {
                    settings.window = window;
                    settings.personal_window = window;
                }
                if (window_max != 0) {
                    settings.window_max = window_max;
                }
                const RingConfig ring = RingConfig::settled(settings);
                EXPECT_LE(ring.gap_max + std::max(ring.window, ring.window_max),
                          protocol::held_span_max(daemons))
                    << daemons << ' ' << window << ' ' << window_max;
                EXPECT_GE(ring.gap_max, 2 * ring.window);
                EXPECT_LE(ring.personal_window, ring.window);
                EXPECT_GE(ring.window, std::min(window, 1000U));
            }
        }
    }
}

TEST(RingConfig, AnOperatorSetsWindowsWithinWhatRingsAreMadeFor) {
    RingConfig ring = RingConfig::settled(settings_of(3));
    const RingConfig before = ring;
    EXPECT_TRUE(ring.change_windows({}));
    EXPECT_EQ(ring.window, before.window);
    EXPECT_EQ(ring.window_max, before.window_max) << "they still size themselves";

    EXPECT_TRUE(
        ring.change_windows({.window = 200, .personal_window = 30, .accelerated_window = {}}));
    EXPECT_EQ(ring.window, 200U);
    EXPECT_EQ(ring.window_max, 200U);
    EXPECT_EQ(ring.personal_window, 30U);
    EXPECT_EQ(ring.accelerated_window, 30U) << "no more than a visit has";
    EXPECT_TRUE(
        ring.change_windows({.window = 20, .personal_window = {}, .accelerated_window = 0}));
    EXPECT_EQ(ring.personal_window, 20U);
    EXPECT_EQ(ring.accelerated_window, 0U);
    EXPECT_TRUE(ring.change_windows(
        {.window = ring.window_limit, .personal_window = {}, .accelerated_window = {}}));
    EXPECT_EQ(ring.window, before.window_max);

    const RingConfig kept = ring;
    for (const std::uint32_t wrong : {0U, ring.window_limit + 1, 0xffffffffU}) {
        EXPECT_FALSE(
            ring.change_windows({.window = wrong, .personal_window = {}, .accelerated_window = 1}));
        EXPECT_FALSE(
            ring.change_windows({.window = {}, .personal_window = wrong, .accelerated_window = 1}));
    }
    EXPECT_FALSE(ring.change_windows(
        {.window = 5, .personal_window = {}, .accelerated_window = ring.window_limit + 1}));
    EXPECT_EQ(ring.window, kept.window);
    EXPECT_EQ(ring.accelerated_window, kept.accelerated_window);
}

}  // namespace
}  // namespace spread::membership
