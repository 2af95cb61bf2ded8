#!/usr/bin/env python3
"""reference.py HEADER...: the API reference in Markdown, from the headers' comments.

docs/libspread-api.md is its output; a test compares the two.
"""

import re
import sys


def comment_text(comment):
    """What stands between /** and */, without its stars."""
    inner = re.sub(r"\s*\*/$", "", re.sub(r"^/\*\*\s*", "", comment.strip()))
    lines = [re.sub(r"^\s*\* ?", "", line) for line in inner.splitlines()]
    text = "\n".join(line.rstrip() for line in lines)
    text = re.sub(r"@file (\S+)\n\s*", "", text)
    # Tags become paragraphs or list items; what continues one is joined to it.
    text = re.sub(r"\n\s*(?!@)(?=\S)", " ", re.sub(r"\n\s*\n", "\0", text)).replace("\0", "\n\n")
    text = re.sub(r"@param\s+(\S+)\s+", r"\n* `\1`: ", text)
    text = re.sub(r"\s*@return ", "\n\nReturns ", text)
    text = re.sub(r"\n\s*\n\s*\n", "\n\n", text)
    return re.sub(r"\n[ \t]+", "\n", re.sub(r"\n\s+\* ", "\n* ", re.sub(r"(\n\* [^\n]*)\n\s*(?=\n\* )", r"\1", text))).strip()


def main():
    print("# libspread: API reference\n")
    print("Made from the headers by `client/c/reference.py`. How to begin: [libspread.md](libspread.md).")
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as header:
            text = header.read()
        name = path.rsplit("/", 1)[-1]
        print(f"\n## {name}")
        intro = re.match(r"/\*\*.*?\*/", text, re.S)
        if intro:
            print("\n" + comment_text(intro.group(0)))
        tokens = re.finditer(
            r"(?P<heading>^/\* ---- (.*?) ---- \*/)|(?P<comment>/\*\*(?!<).*?\*/)"
            r"|(?P<function>^(?:int|void|sp_time|const char \*)\s*\*?\w+\([^;{]*\);)"
            r"|(?P<define>^#define (?:[A-Z]\w*) [^\n]*$)",
            text[intro.end() if intro else 0:], re.S | re.M)
        described, defines, functions = "", [], []

        def flush():
            nonlocal functions, defines, described
            if functions:
                print("\n```c\n" + "\n".join(functions) + "\n```")
            if described and functions:
                print("\n" + described)
            if defines:
                print("\n```c\n" + "\n".join(defines) + "\n```")
            functions, defines, described = [], [], ""

        for token in tokens:
            if token.group("heading"):
                flush()
                print("\n### " + token.group(2))
            elif token.group("comment"):
                flush()
                described = comment_text(token.group("comment"))
            elif token.group("function"):
                functions.append(re.sub(r"\s*\n\s+", " ", token.group("function")))
            elif not token.group("define").rstrip().endswith("\\"):
                line = token.group("define").split("\n")[0]
                if "(type)" not in line and "#define SPREAD_" not in line:
                    defines.append(line.rstrip())
        flush()


if __name__ == "__main__":
    main()
