#include "tools/spsim/verdict_codec.hpp"

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace spread::spsim {
namespace {

class Writer {
  public:
    void number(std::uint64_t value) {
        char bytes[sizeof value];
        std::memcpy(bytes, &value, sizeof value);
        out_.append(bytes, sizeof value);
    }
    void text(const std::string& value) {
        number(value.size());
        out_ += value;
    }
    void texts(const std::vector<std::string>& values) {
        number(values.size());
        for (const std::string& value : values) {
            text(value);
        }
    }
    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    std::uint64_t number() {
        std::uint64_t value = 0;
        const std::string_view bytes = take(sizeof value);
        if (ok_) {
            std::memcpy(&value, bytes.data(), sizeof value);
        }
        return value;
    }
    std::string text() { return std::string(take(number())); }
    std::vector<std::string> texts() {
        std::vector<std::string> values;
        for (std::uint64_t left = number(); ok_ && left > 0; --left) {
            values.push_back(text());
        }
        return values;
    }
    [[nodiscard]] bool is_done() const { return ok_ && rest_.empty(); }

  private:
    std::string_view take(std::uint64_t length) {
        if (!ok_ || length > rest_.size()) {
            ok_ = false;
            return {};
        }
        const std::string_view taken = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return taken;
    }

    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace

std::string encode(const sim::Verdict& verdict) {
    Writer writer;
    writer.number(verdict.violation ? 1 : 0);
    if (verdict.violation) {
        writer.text(verdict.violation->property);
        writer.text(verdict.violation->summary);
        writer.texts(verdict.violation->evidence);
    }
    const sim::RunStats& stats = verdict.stats;
    for (const std::uint64_t value :
         {verdict.at_us, verdict.digest, verdict.engine_digest, stats.events, stats.packets_sent,
          stats.ring_deliveries, stats.client_messages, stats.configurations, stats.virtual_us}) {
        writer.number(value);
    }
    for (const std::uint64_t times : verdict.reached.times) {
        writer.number(times);
    }
    writer.texts(verdict.trace);
    return writer.take();
}

std::optional<sim::Verdict> decode_verdict(std::string_view bytes) {
    Reader reader(bytes);
    sim::Verdict verdict;
    if (reader.number() != 0) {
        verdict.violation.emplace();
        verdict.violation->property = reader.text();
        verdict.violation->summary = reader.text();
        verdict.violation->evidence = reader.texts();
    }
    sim::RunStats& stats = verdict.stats;
    for (std::uint64_t* value :
         {&verdict.at_us, &verdict.digest, &verdict.engine_digest, &stats.events,
          &stats.packets_sent, &stats.ring_deliveries, &stats.client_messages,
          &stats.configurations, &stats.virtual_us}) {
        *value = reader.number();
    }
    for (std::uint64_t& times : verdict.reached.times) {
        times = reader.number();
    }
    verdict.trace = reader.texts();
    if (!reader.is_done()) {
        return std::nullopt;
    }
    return verdict;
}

}  // namespace spread::spsim
