#!/usr/bin/env python3
"""reference.py HEADER...: the API reference of the C++ library in Markdown, from its headers.

docs/client-cpp-api.md is its output; a test compares the two.
"""

import re
import sys


def prose(lines):
    """Comment lines without their slashes; what is set in further is code."""
    texts = [re.sub(r"^/// ?", "", line) for line in lines]
    out = []
    for text in texts:
        is_code = text.startswith("    ")
        if is_code and (not out or not out[-1].startswith("    ")) and out and out[-1]:
            out.append("")
        if not is_code and out and out[-1] and text and not out[-1].startswith("    "):
            out[-1] += " " + text
        else:
            out.append(text)
    return "\n".join(out).strip("\n")


def without_private(lines):
    kept, is_private = [], False
    for line in lines:
        if re.match(r"  (private|public):", line):
            is_private = line.startswith("  private")
        if line.startswith("};"):
            is_private = False
        if not is_private:
            kept.append(re.sub(r"\s*// NOLINT.*$", "", line))
    while len(kept) > 1 and not kept[-2].strip():
        del kept[-2]
    return kept


def name_of(declaration):
    text = " ".join(declaration)
    found = (re.search(r"(?:enum class|class|struct|using) (\w+)", text)
             or re.search(r"(\w+)\(", text))
    return found.group(1)


def declarations(lines):
    """Pairs of comment and declaration inside namespace spread."""
    comment, declaration, depth = [], [], 0
    for line in lines:
        if not declaration and line.startswith("///"):
            comment.append(line)
            continue
        if not declaration and (not line.strip() or line.startswith("//")):
            continue
        declaration.append(line)
        code = re.sub(r"//.*", "", line)
        depth += code.count("{") - code.count("}")
        if depth == 0 and code.rstrip().endswith((";", "}")):
            yield comment, declaration
            comment, declaration = [], []


def main():
    print("# The C++ client library: API reference\n")
    print("Made from the headers by `client/reference.py`; the adapter for Boost.Asio documents itself"
          " in\n`<spread/asio.hpp>`. How to begin: [client-cpp.md](client-cpp.md).")
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as header:
            lines = header.read().split("\n")
        begin = lines.index("namespace spread {") + 1
        end = lines.index("}  // namespace spread")
        print("\n## `<spread/%s>`" % path.rsplit("/", 1)[-1])
        for comment, declaration in declarations(lines[begin:end]):
            if re.fullmatch(r"(class|struct) \w+;|template <.*", declaration[0]) and not comment:
                continue  # announced only, or a deduction guide
            print("\n### " + name_of(declaration))
            if comment:
                print("\n" + prose(comment))
            print("\n```cpp\n" + "\n".join(without_private(declaration)) + "\n```")


if __name__ == "__main__":
    main()
