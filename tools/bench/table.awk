# targets.tsv and runs.tsv to the Markdown table (standard output) and to `medians`, which the plots
# read: case, measure, ours, stock, ratio. The case corosync, whose sides are others, gets a table of
# its own; `corosync` is its version. `other` is the side that ours is compared with: "stock", or
# "before", whose ratios no target is about.
#
# A figure is the median of the best runs there are: undisturbed ones, else disturbed ones (~), else
# failed ones (!). It shows the marks of those it is made of.
BEGIN { FS = "\t"; if (other == "") other = "stock" }

FNR == 1 { ++file }

/^#/ || NF < 4 { next }

file == 1 {
    kind[$1, $2] = $3
    bound[$1, $2] = $4
    next
}

{
    key = $1 SUBSEP $2
    if (!(key in seen)) {
        seen[key] = 1
        order[++count] = key
    }
    side_key = key SUBSEP $3
    rank = $5 ~ /!/ ? 3 : $5 ~ /~/ ? 2 : 1
    if (!(side_key in best) || rank < best[side_key]) {
        best[side_key] = rank
        runs[side_key] = ""
        behind[side_key] = ""
    }
    if (rank == best[side_key]) {
        runs[side_key] = runs[side_key] " " $4
        if ($5 ~ /\^/) behind[side_key] = "^"
    }
}

function median(list,   n, v, i, j, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; ++i)
        for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; --j) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
}

function figure(side_key) {
    return side_key in runs ? median(runs[side_key]) : ""
}

function shown(side_key, value,   text) {
    if (value == "") return "-"
    text = value >= 1000 ? sprintf("%.0f", value) : sprintf("%.4g", value)
    return text (best[side_key] == 1 ? "" : best[side_key] == 2 ? " ~" : " !") behind[side_key]
}

# Ours to another side's.
function ratio_to(side, key,   a, b) {
    a = figure(key SUBSEP "ours")
    b = figure(key SUBSEP side)
    # Nothing is compared with a run that failed.
    if (best[key SUBSEP "ours"] == 3 || best[key SUBSEP side] == 3) return ""
    return a == "" || b == "" || b == 0 ? "" : a / b
}

function ratio_of(key) {
    return ratio_to(other, key)
}

function shown_ratio(ratio) {
    return ratio == "" ? "-" : sprintf("%.3g", ratio)
}

# What a target says, and in `verdict` whether it is met: "-" when that cannot be told.
function judge(key, ours, ratio,   k, limit, name, value) {
    verdict = "-"
    if (!(key in kind) || (other != "stock" && kind[key] ~ /^ratio/)) return "-"
    k = kind[key]
    limit = bound[key]
    if (k == "ratio>=as") {
        name = limit
        sub(/\|/, SUBSEP, name)
        limit = ratio_of(name)
        if (limit == "") return "as with 3 daemons"
        limit = sprintf("%.3g", limit)
        k = "ratio>="
    }
    value = k ~ /^ratio/ ? ratio : best[key SUBSEP "ours"] == 3 ? "" : ours
    if (value != "") {
        value = sprintf("%.3g", value) + 0
        if (k ~ />=$/) verdict = value >= limit + 0 ? "met" : "missed"
        else if (k ~ /<=$/) verdict = value <= limit + 0 ? "met" : "missed"
        else verdict = value < limit + 0 ? "met" : "missed"
    }
    return (k ~ />=$/ ? "at least " : k ~ /<=$/ ? "at most " : "below ") (k ~ /^ratio/ ? "x" : "") limit
}

END {
    printf "" >medians
    for (i = 1; i <= count; ++i) {
        if (order[i] ~ "^corosync" SUBSEP) besides[++beside_count] = order[i]
        else rows[++row_count] = order[i]
    }
    if (row_count > 0) main_table()
    if (row_count > 0 && beside_count > 0) print ""
    if (beside_count > 0) corosync_table()
}

function main_table(   i, key, part, ours, stock, ratio, target) {
    print "| case | measure | spreadd | " (other == "stock" ? "stock 5.0.1" : other) " | ratio | target | verdict |"
    print "|---|---|---|---|---|---|---|"
    for (i = 1; i <= row_count; ++i) {
        key = rows[i]
        split(key, part, SUBSEP)
        ours = figure(key SUBSEP "ours")
        stock = figure(key SUBSEP other)
        ratio = ratio_of(key)
        target = judge(key, ours, ratio)
        printf "| %s | %s | %s | %s | %s | %s | %s |\n", part[1], part[2], shown(key SUBSEP "ours", ours),
            shown(key SUBSEP other, stock), shown_ratio(ratio), target, verdict
        printf "%s\t%s\t%s\t%s\t%s\n", part[1], part[2], ours == "" ? "NaN" : ours,
            stock == "" ? "NaN" : stock, ratio == "" ? "NaN" : ratio >medians
    }
}

function corosync_table(   i, key, part, name) {
    name = "Corosync" (corosync == "" ? "" : " " corosync)
    print "| case | measure | spreadd | " name ", udp | ratio | " name ", knet | ratio |"
    print "|---|---|---|---|---|---|---|"
    for (i = 1; i <= beside_count; ++i) {
        key = besides[i]
        split(key, part, SUBSEP)
        printf "| %s | %s | %s | %s | %s | %s | %s |\n", part[1], part[2],
            shown_side(key, "ours"),
            shown_side(key, "corosync"), shown_ratio(ratio_to("corosync", key)),
            shown_side(key, "corosync-knet"), shown_ratio(ratio_to("corosync-knet", key))
    }
}

function shown_side(key, side) {
    return shown(key SUBSEP side, figure(key SUBSEP side))
}
