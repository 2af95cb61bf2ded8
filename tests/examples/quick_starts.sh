#!/usr/bin/env bash
# quick_starts.sh ROOT
# The quick starts in the documents are the programs in examples/, which the tests run.
set -euo pipefail
cd "$1"
block() { # LANGUAGE DOCUMENT: its first block in that language
    awk -v fence="\`\`\`$1" '$0 == fence && !seen { seen = inside = 1; next }
                             inside && /^```/ { exit } inside' "$2"
}
diff -u examples/c/hello.c <(block c docs/libspread.md)
diff -u examples/python/hello.py <(block python docs/client-python.md)
diff -u examples/python/hello.py <(block python python/README.md)
