#include "daemon/admin/page.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "daemon/admin/amounts.hpp"
#include "daemon/admin/status_json.hpp"

namespace spread::admin {
namespace {

constexpr std::size_t kClientsShown = 10;
constexpr std::size_t kEventsShown = 20;
constexpr std::size_t kTicksShown = 400;

// Colours carry no meaning that a word beside them does not carry as well.
constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<style>
:root{--ink:#1b1f24;--dim:#59636e;--paper:#fff;--line:#d1d9e0;--good:#1a7f37;--bad:#b3261e;--warn:#8a5a00;--plot:#0969da}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--paper:#0d1117;--line:#3d444d;--good:#3fb950;--bad:#ff7b72;--warn:#d29922;--plot:#58a6ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1100px;padding:12px;background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.25rem;margin:.2em 0}h2{font-size:1rem;margin:1.4em 0 .4em}
.verdict{border:2px solid;border-radius:8px;padding:10px 14px}
.healthy{border-color:var(--good)}.degraded,.forming{border-color:var(--warn)}.alone,.stuck{border-color:var(--bad)}
.verdict ul{margin:.3em 0 0;padding-left:1.2em}
.ring{display:flex;flex-wrap:wrap;gap:8px;margin:12px 0}
.node{border:1px solid var(--line);border-radius:999px;padding:2px 12px}
.node.out{border-style:dashed;color:var(--bad)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:8px;margin:0}
dt{color:var(--dim);font-size:.85rem}dd{margin:0;font-size:1.15rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:left;color:var(--dim);font-weight:500}
th,td{padding:3px 10px 3px 0;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:top}
td.text{white-space:normal;min-width:14em}
@media(max-width:640px){
table,tbody,tr,td{display:block}tr:first-child{display:none}
td,td.text{border:0;padding:0;white-space:normal;min-width:0}
tr{border-bottom:1px solid var(--line);padding:5px 0}
td:first-child,td.head{display:inline;margin-right:.8em;font-weight:500}
td[data-l]::before{content:attr(data-l) " ";color:var(--dim)}td:empty{display:none}}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:12px}
svg{width:100%;height:60px;border-bottom:1px solid var(--line)}
polyline{fill:none;stroke:var(--plot);stroke-width:1.5;vector-effect:non-scaling-stroke}
a{color:inherit}footer{margin:1.6em 0;color:var(--dim)}
</style><title>)html";

constexpr std::string_view kScript = R"html(<script>
"use strict";
async function renew(){
  try{
    const answer=await fetch(location.pathname,{cache:"no-store"});
    const page=new DOMParser().parseFromString(await answer.text(),"text/html");
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.title=page.title;
  }catch(error){
    document.querySelector(".verdict h1").textContent="The daemon does not answer any more ("+error.message+")";
  }
  setTimeout(renew,1000);
}
setTimeout(renew,1000);
</script>)html";

std::string html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string heard(const PeerStatus& peer, const std::optional<std::chrono::milliseconds>& age) {
    return peer.is_self ? "-" : age ? span_text(*age) + " ago" : "never";
}

std::string count_text(double value) {
    return value < 10000 ? fmt::format("{:.0f}", value) : fmt::format("{:.1f} k", value / 1000);
}

std::chrono::milliseconds since(WallTime now, WallTime then) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - then);
}

void add_verdict(std::string& out, const Status& status) {
    const Verdict verdict = verdict_of(status);
    out += fmt::format("<section class=\"verdict {}\" role=\"status\"><h1>{}: {}</h1>",
                       verdict.state, upper(verdict.state), html(verdict.sentence));
    if (status.ring.since) {
        out += fmt::format("<div>since {} ({})</div>", iso_time(*status.ring.since),
                           span_text(since(status.at, *status.ring.since)));
    }
    if (!verdict.advice.empty()) {
        out += "<ul>";
        for (const std::string& advice : verdict.advice) {
            out += "<li>" + html(advice) + "</li>";
        }
        out += "</ul>";
    }
    out += "</section>";
}

void add_ring(std::string& out, const Status& status) {
    out += "<div class=\"ring\">";
    for (const PeerStatus& peer : status.peers) {
        out += fmt::format("<span class=\"node{}\">{}{}{}</span>", peer.is_member ? "" : " out",
                           html(peer.name),
                           peer.name == status.ring.representative ? " (representative)" : "",
                           peer.is_member ? (peer.is_self ? " (this one)" : "") : " MISSING");
    }
    out += "</div><dl>";
    const auto number = [&out](std::string_view name, const std::string& value) {
        out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
    };
    number("messages/s in", count_text(status.rates.submitted));
    number("messages/s out", count_text(status.rates.delivered));
    number("sent again/s", count_text(status.rates.retransmitted));
    if (status.sessions) {
        number("clients", fmt::format("{} of {}", status.sessions->connected, status.clients_max));
        number("slow clients", std::to_string(status.sessions->slow));
        number("groups", std::to_string(status.sessions->groups));
    }
    out += "</dl>";
}

/// One tick for each change of the last 24 hours.
void add_strip(std::string& out, const PageData& data) {
    constexpr double kWidth = 1000;
    out +=
        "<svg viewBox=\"0 0 1000 20\" preserveAspectRatio=\"none\" style=\"height:20px\" "
        "role=\"img\" aria-label=\"changes of the ring in the last 24 hours\">";
    std::size_t ticks = 0;
    std::string good;
    std::string bad;  // drawn above the others
    for (auto each = data.events.rbegin(); each != data.events.rend() && ticks < kTicksShown;
         ++each) {
        const double hours =
            std::chrono::duration<double, std::ratio<3600>>(data.status.at - each->at).count();
        if (each->event == "ring_changed" && hours <= 24) {
            const double x = kWidth - hours / 24 * kWidth;
            const bool is_good = each->cause == "joined" || each->cause == "started";
            (is_good ? good : bad) += fmt::format(
                "<rect x=\"{:.1f}\" y=\"{}\" width=\"3\" height=\"16\" fill=\"var(--{})\"/>",
                std::min(x, kWidth - 3), is_good ? 6 : 2, is_good ? "good" : "bad");
            ++ticks;
        }
    }
    out += good + bad;
    out += "</svg>";
}

void add_events(std::string& out, const PageData& data) {
    out += "<h2>History (24 h)</h2>";
    add_strip(out, data);
    out += "<div class=\"scroll\"><table><tr><th>at<th>event<th>what<th>cause<th>took</tr>";
    std::size_t shown = 0;
    for (auto each = data.events.rbegin(); each != data.events.rend() && shown < kEventsShown;
         ++each, ++shown) {
        out += fmt::format(
            "<tr><td>{}</td><td class=\"head\">{}</td><td class=\"text\">{}{}</td><td "
            "data-l=\"cause\">{}"
            "</td><td data-l=\"took\">{}</td></tr>",
            iso_time(each->at), html(each->event),
            each->subject.empty() ? "" : html(each->subject) + ": ", html(each->text),
            html(each->cause),
            each->took ? fmt::format("{:.1f} ms", static_cast<double>(each->took->count()) / 1e3)
                       : "");
    }
    out += "</table></div>";
}

std::string lost(const std::optional<double>& share) {
    return share ? share_text(*share) : "-";
}

/// What `from` lost of what `of` sent, as it says itself; nothing: it does not say.
std::optional<double> lost_there(const DaemonAnswer& from, std::size_t of) {
    return from.more && of < from.more->heard.size() ? from.more->heard[of].lost_share
                                                     : std::nullopt;
}

/// What a daemon said when it could still be asked is in the past.
std::string release_of(const PeerStatus& peer, const DaemonAnswer& answer) {
    return answer.more ? html(answer.more->version)
           : peer.told ? "was " + html(peer.told->version)
                       : "?";
}

void add_peer(std::string& out, const Status& status, std::size_t place,
              const DaemonAnswer& answer) {
    const PeerStatus& peer = status.peers[place];
    const auto self = static_cast<std::size_t>(
        std::ranges::find_if(status.peers, &PeerStatus::is_self) - status.peers.begin());
    const bool is_other = std::ranges::any_of(status.ring.missing, [&](const MissingStatus& each) {
        return each.daemon == peer.name && each.cause == "other_config";
    });
    const char* settings = is_other                                                ? "DIFFER"
                           : !answer.more                                          ? "?"
                           : answer.more->settings_sum == status.ring.settings_sum ? "same"
                                                                                   : "DIFFER";
    out += fmt::format(
        "<tr><td>{}</td><td class=\"head\">{}:{}</td><td data-l=\"in the ring\">{}"
        "</td><td data-l=\"data heard\">{}</td><td data-l=\"multicast heard\">{}</td>"
        "<td data-l=\"token port heard\">{}</td><td data-l=\"round trip\">{}</td>"
        "<td data-l=\"lost in / out\">{}</td><td data-l=\"release\">{}</td>"
        "<td data-l=\"settings\">{}</td></tr>",
        html(peer.name), html(peer.address), peer.port, peer.is_member ? "yes" : "NO",
        heard(peer, peer.data_age), heard(peer, peer.group_age), heard(peer, peer.token_age),
        answer.rtt     ? fmt::format("{:.2f} ms", static_cast<double>(answer.rtt->count()) / 1e3)
        : peer.is_self ? "-"
                       : "?",
        peer.is_self ? "-" : lost(peer.lost_share) + " / " + lost(lost_there(answer, self)),
        release_of(peer, answer), settings);
}

void add_peers(std::string& out, const PageData& data) {
    out +=
        "<h2>Daemons</h2><div class=\"scroll\"><table><tr><th>daemon<th>address<th>in the "
        "ring<th>data heard<th>multicast heard<th>token port heard<th>round trip<th>lost in / out"
        "<th>release<th>settings</tr>";
    for (std::size_t i = 0; i < data.status.peers.size(); ++i) {
        add_peer(out, data.status, i, i < data.answers.size() ? data.answers[i] : DaemonAnswer{});
    }
    out += "</table></div>";
}

/// What one daemon says of another one, in a word.
std::string said_of(const DaemonAnswer& from, std::size_t of) {
    if (!from.more || of >= from.more->heard.size()) {
        return "?";
    }
    const protocol::HeardOf& heard = from.more->heard[of];
    if (!heard.is_member) {
        return heard.data_age || heard.token_age ? "not in its ring" : "never heard";
    }
    return share_text(heard.lost_share.value_or(0));
}

/// Each row is what one daemon says of all. Of many daemons only the rows that say something.
void add_matrix(std::string& out, const PageData& data) {
    constexpr std::size_t kColumnsMax = 16;
    out +=
        "<h2>Lost on the way, in the last minute</h2><div class=\"scroll\"><table class=\"grid\">";
    const std::vector<DaemonAnswer>& answers = data.answers;
    if (answers.empty()) {
        out += "<tr><td>The others have just been asked.</td></tr></table></div>";
        return;
    }
    if (answers.size() <= kColumnsMax) {
        out += "<tr><th>at \\ from";
        for (const DaemonAnswer& each : answers) {
            out += "<th>" + html(each.daemon);
        }
        out += "</tr>";
        for (std::size_t row = 0; row < answers.size(); ++row) {
            out += "<tr><td>" + html(answers[row].daemon) + "</td>";
            for (std::size_t i = 0; i < answers.size(); ++i) {
                out += fmt::format("<td data-l=\"from {}\">{}</td>", html(answers[i].daemon),
                                   i == row ? "-" : said_of(answers[row], i));
            }
            out += "</tr>";
        }
    } else {
        out += "<tr><th>at<th>from</tr>";
        for (const DaemonAnswer& each : answers) {
            std::string words;
            for (std::size_t i = 0; each.more && i < answers.size(); ++i) {
                const std::string said = said_of(each, i);
                if (answers[i].daemon != each.daemon && said != "0 %") {
                    words += fmt::format("{}{} {}", words.empty() ? "" : ", ",
                                         html(answers[i].daemon), said);
                }
            }
            if (!each.more || !words.empty()) {
                out += fmt::format("<tr><td>{}</td><td class=\"text\">{}</td></tr>",
                                   html(each.daemon), each.more ? words : "does not say");
            }
        }
    }
    out += "</table></div>";
}

void add_plot(std::string& out, std::string_view name, const std::deque<Second>& seconds,
              double Second::*value) {
    double most = 0;
    for (const Second& second : seconds) {
        most = std::max(most, second.*value);
    }
    out += fmt::format(
        "<figure style=\"margin:0\"><figcaption>{}: now {:.4g}, most {:.4g}"
        "</figcaption><svg viewBox=\"0 0 600 60\" preserveAspectRatio=\"none\" "
        "role=\"img\" aria-label=\"{} over ten minutes\"><polyline points=\"",
        name, seconds.empty() ? 0 : seconds.back().*value, most, name);
    std::size_t x = 600 - std::min<std::size_t>(600, seconds.size());
    for (const Second& second : seconds) {
        const double y = most > 0 ? 58 - second.*value / most * 56 : 58;
        out += fmt::format("{},{:.1f} ", x++, y);
    }
    out += "\"/></svg></figure>";
}

void add_plots(std::string& out, const std::deque<Second>& seconds) {
    out += "<h2>Ten minutes</h2><div class=\"plots\">";
    add_plot(out, "messages/s", seconds, &Second::delivered);
    add_plot(out, "token rotation, ms", seconds, &Second::rotation_ms);
    add_plot(out, "packets sent again/s", seconds, &Second::retransmitted);
    add_plot(out, "messages waiting for the token", seconds, &Second::queue);
    out += "</div>";
}

void add_clients(std::string& out, const PageData& data) {
    std::vector<ClientStatus> clients = data.clients;
    const auto shown = std::min(clients.size(), kClientsShown);
    std::partial_sort(
        clients.begin(), clients.begin() + static_cast<std::ptrdiff_t>(shown), clients.end(),
        [](const ClientStatus& a, const ClientStatus& b) { return a.queue_bytes > b.queue_bytes; });
    clients.resize(shown);
    out +=
        "<h2>Clients, the slowest first</h2><div class=\"scroll\"><table><tr><th>client<th>from"
        "<th>groups<th>in<th>out<th>queue<th>since<th>state</tr>";
    for (const ClientStatus& client : clients) {
        out += fmt::format(
            "<tr><td>{}</td><td class=\"head\">{}</td><td data-l=\"groups\">{}</td>"
            "<td data-l=\"in\">{}</td><td data-l=\"out\">{}</td><td data-l=\"queue\">{} msg, {}"
            "</td><td data-l=\"since\">{}</td><td data-l=\"state\">{}</td></tr>",
            html(client.name), html(client.address), client.groups, client.messages_in,
            client.messages_out, client.queue_messages,
            bytes_text(static_cast<double>(client.queue_bytes)),
            span_text(since(data.status.at, client.since)), client.state);
    }
    out += clients.empty() ? "<tr><td>none</td></tr></table></div>" : "</table></div>";
}

void add_groups(std::string& out, const BusiestGroups& busiest) {
    out += fmt::format(
        "<h2>Busiest groups{}</h2><div class=\"scroll\"><table><tr><th>group<th>members"
        "<th>messages/s<th>bytes/s</tr>",
        busiest.groups.empty() ? "" : ", over the last " + span_text(busiest.over));
    for (const BusiestGroups::Group& group : busiest.groups) {
        out += fmt::format(
            "<tr><td>{}</td><td data-l=\"members\">{}</td><td data-l=\"messages/s\">{}</td>"
            "<td data-l=\"bytes/s\">{}</td></tr>",
            html(group.name), group.members, count_text(group.messages_per_s),
            bytes_text(group.bytes_per_s));
    }
    out += busiest.groups.empty() ? "<tr><td>none</td></tr></table></div>" : "</table></div>";
}

void add_configuration(std::string& out, const PageData& data) {
    const Status& status = data.status;
    out += fmt::format(
        "<h2>Configuration</h2><p>{}, hash {}; <a href=\"/config.json\">all options</a></p>",
        status.config_file.empty() ? "built in" : html(status.config_file), status.config_hash);
    if (data.changed.empty()) {
        out += "<p>All options have their usual values.</p>";
        return;
    }
    out += "<div class=\"scroll\"><table><tr><th>changed option<th>value<th>usually<th>where</tr>";
    for (const ChangedOption& option : data.changed) {
        out += fmt::format(
            "<tr><td>{}</td><td class=\"text\">{}</td><td data-l=\"usually\">{}</td>"
            "<td data-l=\"where\">{}</td></tr>",
            html(option.name), html(option.value),
            option.usual.empty() ? "none" : html(option.usual),
            option.line > 0 ? fmt::format("line {}", option.line) : "not in the file");
    }
    out += "</table></div>";
}

}  // namespace

std::string page_html(const PageData& data) {
    const Status& status = data.status;
    std::string out(kHead);
    out += fmt::format("{}: {} - spreadd</title></head><body><main>", html(status.name),
                       verdict_of(status).state);
    add_verdict(out, status);
    add_ring(out, status);
    add_events(out, data);
    add_peers(out, data);
    add_matrix(out, data);
    add_plots(out, data.seconds);
    add_clients(out, data);
    add_groups(out, data.busiest);
    add_configuration(out, data);
    out += fmt::format(
        "<footer>{} at {}:{}, spreadd {}, up {}. As data: <a href=\"/status.json\">status</a>, <a "
        "href=\"/clients.json\">clients</a>, <a href=\"/groups.json\">groups</a>, <a "
        "href=\"/events.json\">events</a>, <a href=\"/metrics\">metrics</a>, <a href=\"/bundle\" "
        "download=\"spread-bundle.tar\">all as one archive</a></footer></main>",
        html(status.name), html(status.address), status.port, html(status.version),
        span_text(since(status.at, status.started_at)));
    out += kScript;
    out += "</body></html>\n";
    return out;
}

}  // namespace spread::admin
