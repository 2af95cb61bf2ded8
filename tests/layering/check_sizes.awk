# Sizes of production code as clang-format lays it out: what stands in a namespace begins in column 1,
# members of a class are indented by 4. Variables FILE_MAX, CLASS_MAX, FUNCTION_MAX: lines, functions, lines.
# Prints what is too long; exit status 1 if something is.
#
# "// Long: WHY" above a function or class, or as the first line of a file, excuses it.

function complain(where, what) {
    printf "%s:%d: %s\n", FILENAME, where, what
    failed = 1
}

# The line without comments, initialisers and what is between < and >.
function bare(text) {
    sub(/\/\/.*/, "", text)
    while (gsub(/<[^<>]*>/, "", text)) {
    }
    if (text !~ /operator/) {
        sub(/ = .*/, "", text)
    }
    return text
}

function open_class() {
    ++depth
    first_of_class[depth] = first
    class_excused[depth] = excused
    functions[depth] = 0
    head = ""
}

function close_class() {
    if (functions[depth] > CLASS_MAX && !class_excused[depth]) {
        complain(first_of_class[depth],
                 "a class with " functions[depth] " functions, more than " CLASS_MAX)
    }
    --depth
}

FNR == 1 {
    depth = 0
    head = ""
    excuse = 0
    template = 0
    file_excused = /^\/\/ Long: /
}

FNR == FILE_MAX + 1 && !file_excused { complain(FNR, "a file of more than " FILE_MAX " lines") }

/^ *\/\/\/? Long: / { excuse = 1 }
/^ *$/ { excuse = 0 }
/^ *\/\// || /^ *$/ || /^#/ { next }

{
    match($0, /[^ ]/)
    indent = RSTART - 1
    level = 4 * depth
}

# The end of a class, or of a function in column `level`.
indent < level && /^ *}/ { close_class(); next }
indent == level && /^ *}/ {
    if (head == "function" && FNR - first + 1 > FUNCTION_MAX && !excused) {
        complain(first, "a function of " FNR - first + 1 " lines, more than " FUNCTION_MAX)
    }
    head = ""
    next
}

# A function's body, or a further line of its head or of that of a class.
indent > level {
    if (head == "class" && /{$/) {
        open_class()
    }
    next
}

/^ *(public|private|protected):$/ || /^(namespace|extern "C").*{$/ { next }

# The beginning of a declaration.
{
    if (!template) {
        first = FNR
        excused = excuse
        excuse = 0
    }
    template = /^ *template / && !/;$/
}
template { next }
/^ *(class|struct|union) / && !/;$/ {
    head = "class"
    if (/{$/) {
        open_class()
    }
    next
}
{ head = "function" }
depth > 0 && !/^ *(using|friend|static_assert|enum|SPREAD_)/ && !/ = (delete|default);/ &&
    bare($0) ~ /[A-Za-z0-9_=\]]\(/ { ++functions[depth] }

END { exit failed }
