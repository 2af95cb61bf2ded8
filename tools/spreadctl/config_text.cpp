#include "tools/spreadctl/config_text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tools/spreadctl/text.hpp"

namespace spread::spreadctl {

using nlohmann::json;

namespace {

/// Wider ones leave the table.
constexpr std::size_t kCellBytesMax = 40;

std::string shown(const json& value) {
    return value.is_string() ? value.get<std::string>() : value.is_null() ? "?" : value.dump();
}

json field(const json& from, const char* key) {
    return from.is_object() && from.contains(key) ? from.at(key) : json();
}

std::string file_of(const json& config) {
    const json file = field(config, "file");
    return file.is_null() ? "built in" : shown(file);
}

std::string with_unit(const std::string& name, const std::string& value) {
    const std::string unit = unit_of(name);
    const bool is_number = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
    return unit.empty() || !is_number ? value : value + " " + unit;
}

std::map<std::string, json> by_name(const json& config, const char* list) {
    std::map<std::string, json> out;
    for (const json& each : field(config, list)) {
        out[shown(field(each, "name"))] = each;
    }
    return out;
}

/// The value, and where that comes from.
json side_of(const json& entry, const char* key) {
    return entry.is_null() ? json()
                           : json{{"value", field(entry, key)}, {"line", field(entry, "line")}};
}

/// `label`: what a row is called, by its name and the field that differs.
template <typename Label>
void compare(const json& here, const json& there, const char* list,
             const std::vector<const char*>& keys, Label label, std::vector<json>& out) {
    auto rows = by_name(there, list);
    std::map<std::string, std::pair<json, json>> pairs;
    for (auto& [name, entry] : rows) {
        pairs[name].second = std::move(entry);
    }
    for (auto& [name, entry] : by_name(here, list)) {
        pairs[name].first = std::move(entry);
    }
    for (const auto& [name, pair] : pairs) {
        const auto& [ours, theirs] = pair;
        const bool is_on_one_side = ours.is_null() || theirs.is_null();
        for (const char* key : keys) {
            if (field(ours, key) == field(theirs, key)) {
                continue;
            }
            out.push_back({{"setting", label(name, is_on_one_side ? "" : key)},
                           {"must_be_same",
                            field(ours.is_null() ? theirs : ours, "same_on_all_daemons") != false},
                           {"here", side_of(ours, key)},
                           {"there", side_of(theirs, key)}});
            if (is_on_one_side) {
                break;
            }
        }
    }
}

std::string cell(const json& difference, const char* side) {
    const json entry = field(difference, side);
    if (entry.is_null()) {
        return "not known";
    }
    const json value = field(entry, "value");
    const json line = field(entry, "line");
    const std::string text =
        value.is_null() ? "not set" : with_unit(shown(field(difference, "setting")), shown(value));
    return line.is_number() ? fmt::format("{} (line {})", text, shown(line)) : text;
}

std::string differences_table(const std::vector<json>& differences, const std::string& here,
                              const std::string& there) {
    std::vector<std::vector<std::string>> rows = {{"  SETTING", here, there}};
    std::string wide;
    for (const json& each : differences) {
        const std::string name = "  " + shown(field(each, "setting"));
        const std::string ours = cell(each, "here");
        const std::string theirs = cell(each, "there");
        if (std::max(ours.size(), theirs.size()) > kCellBytesMax) {
            wide += fmt::format("{}\n    {}: {}\n    {}: {}\n", name, here, ours, there, theirs);
        } else {
            rows.push_back({name, ours, theirs});
        }
    }
    return (rows.size() > 1 ? table(rows) : std::string()) + wide;
}

/// What one other daemon has otherwise.
std::string other_text(const json& comparison, const json& other, bool all) {
    const std::string here = shown(field(comparison, "daemon"));
    const std::string there = shown(field(other, "daemon"));
    std::vector<json> common;
    std::vector<json> own;
    std::string names;
    for (const json& each : field(other, "differences")) {
        (each.value("must_be_same", true) ? common : own).push_back(each);
        if (!each.value("must_be_same", true)) {
            names += (names.empty() ? "" : ", ") + shown(field(each, "setting"));
        }
    }
    std::string out =
        fmt::format("{}: {}, hash {}\n", there, file_of(other), shown(field(other, "hash")));
    if (field(other, "hash") != field(comparison, "hash")) {
        out += fmt::format("  another hash: {} and {} are in no ring together\n", here, there);
    } else if (!common.empty()) {
        out += "  same hash, so they share a ring; it does not cover these, which hinder it:\n";
    } else {
        out += "  the same in all that must be the same\n";
    }
    out += common.empty() ? std::string() : differences_table(common, here, there);
    if (!own.empty() && all) {
        out += "  each host may choose:\n" + differences_table(own, here, there);
    } else if (!own.empty()) {
        out += fmt::format("  otherwise in what each host may choose (--all): {}\n", names);
    }
    return out;
}

}  // namespace

std::string unit_of(const std::string& option) {
    constexpr std::array<std::pair<std::string_view, const char*>, 6> kUnits = {
        {{"Timeout", "ms"},
         {"TimeoutMax", "ms"},
         {"Bytes", "bytes"},
         {"Window", "packets"},
         {"MemoryBudget", "MiB"},
         {"SessionMessages", "messages"}}};
    const auto found =
        std::ranges::find_if(kUnits, [&](const auto& row) { return option.ends_with(row.first); });
    return found == kUnits.end() ? "" : found->second;
}

std::string config_text(const json& config, bool only_set) {
    std::vector<std::vector<std::string>> rows = {{"OPTION", "ORIGIN", "VALUE"}};
    for (const json& option : field(config, "options")) {
        const std::string name = shown(field(option, "name"));
        const json line = field(option, "line");
        const json value = field(option, "value");
        if (only_set && value == field(option, "default")) {
            continue;
        }
        rows.push_back({name,
                        line.is_number() ? "line " + shown(line) : shown(field(option, "origin")),
                        value.is_null() ? "not set" : with_unit(name, shown(value))});
    }
    return fmt::format("{}, hash {}\n", file_of(config), shown(field(config, "hash"))) +
           (rows.size() > 1 ? table(rows) : std::string("all options have their defaults\n"));
}

json config_differences(const json& here, const json& there) {
    std::vector<json> out;
    // Who differs in the daemons is in no ring with the other.
    compare(
        here, there, "daemons", {"address", "port", "id", "segment"},
        [](const std::string& name, const char* key) {
            return fmt::format("daemon {}{}{}", name, *key == 0 ? "" : " ", key);
        },
        out);
    compare(
        here, there, "options", {"value"},
        [](const std::string& name, const char* /*key*/) { return name; }, out);
    std::stable_partition(out.begin(), out.end(),
                          [](const json& each) { return each.value("must_be_same", true); });
    return out;
}

json compared(const std::string& daemon, const json& here, const json& there) {
    return {{"daemon", daemon},
            {"file", field(there, "file")},
            {"hash", field(there, "hash")},
            {"differences", config_differences(here, there)}};
}

std::string comparison_text(const json& comparison, bool all) {
    std::string out = fmt::format("{}: {}, hash {}\n", shown(field(comparison, "daemon")),
                                  file_of(comparison), shown(field(comparison, "hash")));
    for (const json& other : field(comparison, "others")) {
        out += other.contains("why")
                   ? fmt::format("{}: NOT COMPARED: {}\n", shown(field(other, "daemon")),
                                 shown(field(other, "why")))
                   : other_text(comparison, other, all);
    }
    return out;
}

bool differs(const json& comparison, bool all) {
    return std::ranges::any_of(field(comparison, "others"), [&](const json& other) {
        return field(other, "same_settings") == false ||
               std::ranges::any_of(field(other, "differences"), [&](const json& each) {
                   return all || each.value("must_be_same", true);
               });
    });
}

}  // namespace spread::spreadctl
