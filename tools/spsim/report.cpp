#include "tools/spsim/report.hpp"

#include <array>
#include <cstdio>

namespace spread::spsim {
namespace {

/// How long before a violation its trace begins.
constexpr std::uint64_t kPreludeUs = 15000;

}  // namespace

std::string seconds(std::uint64_t us) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%llu.%06llus",
                  static_cast<unsigned long long>(us / 1000000),
                  static_cast<unsigned long long>(us % 1000000));
    return text.data();
}

std::string hex(std::uint64_t value) {
    std::array<char, 20> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
    return text.data();
}

Subject subject_of_seed(std::uint64_t seed, bool sealed, bool unusual) {
    const std::string kind = sealed ? "sealed" : unusual ? "unusual" : "";
    const std::string option = "--seed " + std::to_string(seed);
    return {(kind.empty() ? "" : kind + " ") + "seed " + std::to_string(seed),
            kind.empty() ? option : "--" + kind + " " + option};
}

Subject subject_of_file(const std::string& file) {
    return {"scenario " + file, "--scenario " + file};
}

std::string failure_report(const Subject& subject, const sim::Verdict& verdict) {
    const checker::Violation& violation = *verdict.violation;
    std::string text = "FAIL " + violation.property + " " + violation.summary + "\n";
    text += "     at " + seconds(verdict.at_us) + "  " + subject.name + "\n";
    for (const std::string& line : violation.evidence) {
        text += "       " + line + "\n";
    }
    const std::uint64_t from = verdict.at_us > kPreludeUs ? verdict.at_us - kPreludeUs : 0;
    text += "     repeat: spsim " + subject.arguments + " --trace --from " + seconds(from) + "\n";
    text += "     shrink: spsim " + subject.arguments + " --shrink --output small.scn\n";
    return text;
}

}  // namespace spread::spsim
