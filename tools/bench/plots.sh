# shellcheck shell=bash disable=SC2034,SC2154  # variables are shared by all parts
# Plots of the medians, as SVG. Sourced by tools/bench-ring, which sets `out` and `work`.

# plot FILE TITLE Y-LABEL SETTINGS OURS STOCK: draws "$work/plot.dat"; OURS and STOCK say how each
# side's columns are drawn.
plot() {
    local data=$work/plot.dat curves=$5
    [ -s "$data" ] || return 0
    ! has_stock || curves+=", $6"
    curves=${curves//$'\n'/ }
    gnuplot <<PLOT || note "gnuplot could not draw $1"
set terminal svg size 800,420 font "sans,12" background "white"
set output "$out/$1.svg"
set title "$2"
set ylabel "$3"
set key outside right top
set grid ytics
set style fill solid 0.85 noborder
set boxwidth 0.9
set datafile separator "\t"
set linetype 1 lc rgb "#1f5fa8" lw 2 pt 7
set linetype 2 lc rgb "#c8641e" lw 2 pt 5
set linetype 3 lc rgb "#7fb2e5" lw 2 pt 7
set linetype 4 lc rgb "#eab38a" lw 2 pt 5
data = "$data"
$4
plot $curves
PLOT
}

has_stock() {
    awk -F'\t' '$4 != "NaN" { found = 1 } END { exit !found }' "$out/medians.tsv"
}

# ours_and_stock CASE PREFIX SUFFIX: rows "X ours stock" to standard output, where the measure is
# PREFIX, X, SUFFIX.
ours_and_stock() {
    awk -F'\t' -v c="$1" -v before="$2" -v after="$3" '
        $1 == c && index($2, before) == 1 && length($2) > length(before) + length(after) &&
        substr($2, length($2) - length(after) + 1) == after {
            x = substr($2, length(before) + 1, length($2) - length(before) - length(after))
            print x "\t" $3 "\t" $4
        }' "$out/medians.tsv"
}

# Two tables with the same first column side by side.
beside() {
    awk -F'\t' 'NR == FNR { first[$1] = $0; next } $1 in first { print first[$1] "\t" $2 "\t" $3 }' \
        "$1" "$2"
}

plot_by_size() {
    local file=$1 suffix=$2 title=$3 label=$4
    ours_and_stock throughput "stock client, " "$suffix" >"$work/stock.dat"
    ours_and_stock throughput "buffered client, " "$suffix" >"$work/buffered.dat"
    beside "$work/stock.dat" "$work/buffered.dat" >"$work/plot.dat"
    plot "$file" "$title" "$label" "set style data histograms; set logscale y; set xlabel 'bytes'" \
        "data using 4:xtic(1) title 'spreadd, buffering client' lt 1,
            '' using 2 title 'spreadd, stock client' lt 3" \
        "'' using 5 title 'stock, buffering client' lt 2,
            '' using 3 title 'stock, stock client' lt 4"
}

plot_latency() {
    local prefix="1350 B, agreed, " suffix=" % of stock's maximum"
    ours_and_stock latency "$prefix" "$suffix, p50 us" >"$work/p50.dat"
    ours_and_stock latency "$prefix" "$suffix, p99 us" >"$work/p99.dat"
    beside "$work/p50.dat" "$work/p99.dat" >"$work/plot.dat"
    plot latency "Latency by load: agreed, 1350 bytes, 3 daemons, open loop" "us" \
        "set logscale y; set xlabel \"load, per cent of stock's maximum in closed loop\"" \
        "data using 1:2 with linespoints lt 1 title 'spreadd p50',
            '' using 1:4 with linespoints lt 3 title 'spreadd p99'" \
        "'' using 1:3 with linespoints lt 2 title 'stock p50',
            '' using 1:5 with linespoints lt 4 title 'stock p99'"
}

plot_loss() {
    ours_and_stock loss "" " %, 1350 B, messages/s" >"$work/plot.dat"
    plot loss "Throughput by loss: 1350 bytes, 3 daemons, each packet lost at each receiver" \
        "ordered messages/s" \
        "set style data histograms; set logscale y; set xlabel 'per cent lost'" \
        "data using 2:xtic(1) title 'spreadd' lt 1" "'' using 3 title 'stock' lt 2"
}

plot_ring_size() {
    local style
    for style in stock buffered; do
        {
            awk -F'\t' -v m="$style client, 1350 B, messages/s" '
                $1 == "throughput" && $2 == m { print "3\t" $3 "\t" $4 }' "$out/medians.tsv"
            ours_and_stock ring-size "" " daemons, $style client, 1350 B, messages/s"
        } >"$work/$style.dat"
    done
    beside "$work/stock.dat" "$work/buffered.dat" >"$work/plot.dat"
    plot ring-size "Throughput by number of daemons: 1350 bytes" "ordered messages/s" \
        "set logscale y; set xlabel 'daemons'; set xrange [2:9]" \
        "data using 1:4 with linespoints lt 1 title 'spreadd, buffering client',
            '' using 1:2 with linespoints lt 3 title 'spreadd, stock client'" \
        "'' using 1:5 with linespoints lt 2 title 'stock, buffering client',
            '' using 1:3 with linespoints lt 4 title 'stock, stock client'"
}

plot_failover() {
    awk -F'\t' '$1 ~ /^(start|stop|kill|cut)$/ { sub(/, ms$/, "", $2); print $2 "\t" $3 "\t" $4 }' \
        "$out/medians.tsv" >"$work/plot.dat"
    plot failover "Until every client has the new view" "ms" \
        "set style data histograms; set logscale y; set xtics rotate by -20" \
        "data using 2:xtic(1) title 'spreadd' lt 1" "'' using 3 title 'stock' lt 2"
}

draw_plots() {
    if ! command -v gnuplot >/dev/null; then
        note "gnuplot is not installed: no plots"
        return 0
    fi
    plot_by_size throughput ", messages/s" "Throughput by size: 3 daemons, closed loop" \
        "ordered messages/s"
    plot_by_size cpu ", CPU us/message" "CPU of all daemons per ordered message: 3 daemons" "us"
    plot_latency
    plot_loss
    plot_ring_size
    plot_failover
}
