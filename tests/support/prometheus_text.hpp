#pragma once

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace spread::support {

/// A metric as a page of metrics in the text format of Prometheus has it.
struct Metric {
    std::string type;
    std::string help;
    std::set<std::string> label_keys;       ///< without "le", which is a histogram's own
    std::map<std::string, double> samples;  ///< by what stands before the value
};

/// By name; `order` gets the names as they come.
[[nodiscard]] inline std::map<std::string, Metric> metrics_in(
    const std::string& text, std::vector<std::string>* order = nullptr) {
    std::map<std::string, Metric> out;
    std::istringstream lines(text);
    std::string name;  // of the metric that the samples are of
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# ")) {
            std::istringstream words(line);
            std::string hash;
            std::string what;
            words >> hash >> what >> name >> std::ws;
            std::getline(words, what == "HELP" ? out[name].help : out[name].type);
            if (what == "TYPE" && order != nullptr) {
                order->push_back(name);
            }
            continue;
        }
        const std::size_t space = line.rfind(' ');
        const std::string sample = line.substr(0, space);
        Metric& metric = out[name];
        metric.samples[sample] = std::stod(line.substr(space + 1));
        // No value of a label here has a comma or brace of its own.
        for (std::size_t at = sample.find('{'); at < sample.size() && sample[at] != '}';) {
            const std::size_t equals = sample.find('=', at);
            if (const std::string key = sample.substr(at + 1, equals - at - 1); key != "le") {
                metric.label_keys.insert(key);
            }
            at = sample.find_first_of(",}", equals);
        }
    }
    return out;
}

/// The list item of spread-metrics(7) about it, without its help.
[[nodiscard]] inline std::string item_of(const std::string& name, const Metric& metric) {
    std::string labels;
    for (const std::string& key : metric.label_keys) {
        labels += (labels.empty() ? "{" : ",") + key;
    }
    return ".It Li " + name + labels + (labels.empty() ? "" : "}") + " Pq " + metric.type + "\n";
}

}  // namespace spread::support
