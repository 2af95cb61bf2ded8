// Any bytes as the address and the host of an HTTP request, and as names in what is answered:
// decoding ends and gives no more than came in, and what is shown is still JSON, HTML and metrics.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "daemon/admin/admin_server.hpp"
#include "daemon/admin/bundle.hpp"
#include "daemon/admin/http_server.hpp"
#include "daemon/admin/metrics.hpp"
#include "daemon/admin/page.hpp"
#include "daemon/admin/status_json.hpp"
#include "daemon/admin/tar.hpp"
#include "tests/fuzz/require.hpp"

using spread::fuzz::require;
using namespace spread::admin;  // NOLINT(google-build-using-namespace): a program of its own

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    if (const auto target = parse_target(text)) {
        std::size_t bytes = target->path.size();
        for (const auto& [key, value] : target->query) {
            bytes += key.size() + value.size();
        }
        require(bytes <= size);
    }
    (void)is_own_host(text);
    if (const auto files = files_of_tar(text)) {
        std::size_t bytes = 0;
        for (const TarFile& file : *files) {
            bytes += file.text.size();
        }
        require(bytes <= size);
    }
    require(directory_name(text).find('/') == std::string::npos);

    PageData shown;
    shown.status.ring.missing = {{text, "silent", text, {}}};
    shown.status.peers.resize(1);
    shown.status.peers[0].name = text;
    shown.clients.resize(1);
    shown.clients[0].name = text;
    shown.events = {{1, {}, "client_dropped", text, "", text, {}}};
    shown.busiest.groups = {{text, 1, 1, 1}};
    shown.changed = {{text, text, text, 1}};
    for (const std::string& json :
         {status_json(shown.status), clients_json(shown.clients), events_json(shown.events),
          busiest_json(shown.busiest), group_json(text, {text}), answer_json(false, text)}) {
        require(nlohmann::json::accept(json));
    }
    // Text adds no tag.
    const auto tags = [](const std::string& page) {
        return std::count(page.begin(), page.end(), '<');
    };
    PageData plain = shown;
    plain.status.ring.missing[0].daemon = plain.status.ring.missing[0].text = "a";
    plain.status.peers[0].name = plain.clients[0].name = "a";
    plain.events[0].subject = plain.events[0].text = "a";
    plain.busiest.groups[0].name = plain.changed[0].name = plain.changed[0].value =
        plain.changed[0].usual = "a";
    require(tags(page_html(shown)) == tags(page_html(plain)));
    const std::string metrics = metrics_text(shown.status, {});
    for (std::size_t at = 0; at < metrics.size(); at = metrics.find('\n', at) + 1) {
        // A newline in a name would begin a line of its own.
        require(metrics.compare(at, 7, "spread_") == 0 || metrics.compare(at, 8, "process_") == 0 ||
                metrics[at] == '#');
    }
    return 0;
}
