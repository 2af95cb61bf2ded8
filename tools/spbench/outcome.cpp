#include "tools/spbench/outcome.hpp"

#include <spdlog/fmt/fmt.h>

namespace spread::spbench {

namespace {

constexpr double kMicro = 1e6;
constexpr double kPercent = 100;

double microseconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1e3;
}

double per_unit_us(const CpuUse& use, const Work& work) {
    return work.amount > 0 ? use.watched_seconds() * kMicro / work.amount : 0;
}

}  // namespace

Json latency_json(const Histogram& histogram) {
    Json json;
    json["count"] = histogram.count();
    json["min_us"] = microseconds(histogram.min());
    json["mean_us"] = histogram.mean() / 1e3;
    json["p50_us"] = microseconds(histogram.quantile(0.5));
    json["p90_us"] = microseconds(histogram.quantile(0.9));
    json["p99_us"] = microseconds(histogram.quantile(0.99));
    json["p999_us"] = microseconds(histogram.quantile(0.999));
    json["max_us"] = microseconds(histogram.max());
    return json;
}

std::string latency_text(const Histogram& histogram) {
    if (histogram.count() == 0) {
        return "none measured";
    }
    return fmt::format(
        "p50 {:.0f}  p90 {:.0f}  p99 {:.0f}  p99.9 {:.0f}  max {:.0f}  (us, {} samples)",
        microseconds(histogram.quantile(0.5)), microseconds(histogram.quantile(0.9)),
        microseconds(histogram.quantile(0.99)), microseconds(histogram.quantile(0.999)),
        microseconds(histogram.max()), histogram.count());
}

Json cpu_json(const CpuUse& use, const Options& options, const std::vector<Work>& work) {
    Json json;
    json["wall_s"] = use.wall_seconds;
    if (!options.watched.pids.empty()) {
        json["daemons_s"] = use.watched_seconds();
        for (std::size_t i = 0; i < options.watched.pids.size(); ++i) {
            json["pids"].push_back(
                {{"pid", options.watched.pids[i]}, {"cpu_s", use.process_seconds[i]}});
        }
        for (const Work& item : work) {
            json[std::string(item.key)] = per_unit_us(use, item);
        }
    }
    if (use.syscalls) {
        json["syscalls_per_s"] = static_cast<double>(*use.syscalls) / use.wall_seconds;
        // A mode's first kind of work is the one it measures.
        if (!work.empty() && work.front().amount > 0) {
            json["syscalls_per_unit"] = static_cast<double>(*use.syscalls) / work.front().amount;
        }
    }
    json["self_s"] = use.self_seconds;
    json["machine_busy"] = use.machine_busy;
    json["machine_others"] = use.machine_others;
    return json;
}

std::string cpu_text(const CpuUse& use, const Options& options, const std::vector<Work>& work) {
    std::string out;
    if (!options.watched.pids.empty()) {
        out += "daemon CPU  ";
        for (const Work& item : work) {
            out += fmt::format("{:.1f} us per {}, ", per_unit_us(use, item), item.name);
        }
        out += "cores:";
        for (const double seconds : use.process_seconds) {
            out += fmt::format(" {:.2f}", seconds / use.wall_seconds);
        }
        out += '\n';
    }
    if (use.syscalls) {
        out += fmt::format("syscalls    {:.0f} per second",
                           static_cast<double>(*use.syscalls) / use.wall_seconds);
        if (!work.empty() && work.front().amount > 0) {
            out += fmt::format(", {:.2f} per {}",
                               static_cast<double>(*use.syscalls) / work.front().amount,
                               work.front().name);
        }
        out += ", of all daemons together\n";
    }
    out +=
        fmt::format("machine     {:.0f} % busy, {:.0f} % by others; spbench itself {:.2f} cores\n",
                    use.machine_busy * kPercent, use.machine_others * kPercent,
                    use.self_seconds / use.wall_seconds);
    return out;
}

Json setup_json(const Options& options) {
    Json json;
    json["mode"] = to_string(options.mode);
    json["daemons"] = options.daemons;
    json["client"] = to_string(options.style);
    return json;
}

}  // namespace spread::spbench
