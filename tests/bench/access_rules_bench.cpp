#include <cstddef>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "daemon/access/access_rules.hpp"

// What a message to 100 groups costs where there are as many access rules as there may be.

namespace spread::bench {
namespace {

enum Kind : std::int64_t { kNames, kPrefixes, kInside };

access::AccessRules rules_of(std::int64_t kind) {
    std::string text;
    for (std::size_t i = 0; i < access::AccessRules::kRulesMax; ++i) {
        const std::string number = std::to_string(i);
        text += "deny send * ";
        text += kind == kNames      ? "group-" + number
                : kind == kPrefixes ? "group-" + number + "-*"
                                    : "*x" + number + "y*";
        text += '\n';
    }
    return *access::AccessRules::parse(text).rules;
}

/// None of the groups is denied, so that every rule has its say.
void rules_of_a_message(benchmark::State& state) {
    const access::AccessRules rules = rules_of(state.range(0));
    const access::AccessRules::Standing standing =
        rules.standing_of({.user = "sender", .login = {}, .peer = {}});
    std::vector<std::string> groups;
    for (std::size_t i = 0; i < 100; ++i) {
        groups.push_back("group-" + std::to_string(37 * i) + "/x" + std::to_string(i));
    }
    for (auto _ : state) {
        for (const std::string& group : groups) {
            if (!rules.may_send(standing, group)) {
                state.SkipWithError("a group is denied");
                return;
            }
        }
    }
}

/// Once per client, and again after each change of the rules.
void standing_of_a_client(benchmark::State& state) {
    const access::AccessRules rules = rules_of(kNames);
    const access::Identity who{.user = "sender", .login = {}, .peer = {}};
    for (auto _ : state) {
        benchmark::DoNotOptimize(rules.standing_of(who));
    }
}

BENCHMARK(rules_of_a_message)
    ->Arg(kNames)
    ->Arg(kPrefixes)
    ->Arg(kInside)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(standing_of_a_client)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace spread::bench
