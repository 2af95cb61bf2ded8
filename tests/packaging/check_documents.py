#!/usr/bin/env python3
"""check_documents.py TOP BIN: what the documents tell a reader to do can be done. Every command line of ours that they
show names commands and options that --help knows, every option of the configuration file is one, every metric is in
spread-metrics(7), every link leads to a file and a heading that are there, and so does every script of tools/."""

import pathlib
import re
import shlex
import subprocess
import sys

TOP, BIN = (pathlib.Path(argument) for argument in sys.argv[1:])
PROGRAMS = ("spreadd", "spreadctl", "spuser", "spbench")
# Written by programs from headers, or about the past.
NO_COMMANDS = ("CHANGELOG.md",)
FOR_OPERATORS = ("operations.md", "alerts.md", "status.md", "log-reference.md", "security.md", "access.md")
problems = []


def documents():
    for pattern in ("*.md", "docs/**/*.md", "*/README.md", "packaging/**/README.md", "tests/**/README.md",
                    "client/**/README.md"):
        yield from TOP.glob(pattern)


def slug(heading):
    """The name that renderers of Markdown give a heading."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


def without_code(text):
    """The text without indented and fenced blocks and without code spans."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    text = re.sub(r"^    .*$", "", text, flags=re.M)
    return re.sub(r"`[^`\n]*`", "", text)


def headings(path):
    found, seen = set(), {}
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    for heading in re.findall(r"^#+ +(.*)$", text, flags=re.M):
        name = slug(heading)
        count = seen.get(name, 0)
        seen[name] = count + 1
        found.add(f"{name}-{count}" if count else name)
    return found | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def check_links(path, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists():
            problems.append(f"{path}: no such file: {target}")
        elif anchor and there.suffix == ".md" and anchor not in headings(there):
            problems.append(f"{path}: no such heading: {target}")


def code(text):
    """Lines of blocks, and spans."""
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.M | re.S):
        for line in block.splitlines():
            yield line.strip()
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for line in re.findall(r"^    (.*)$", text, flags=re.M):
        yield line.strip()
    for span in re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", re.sub(r"^    .*$", "", text, flags=re.M)):
        yield span.replace("\n", " ")


def manual_code(page):
    """Examples of a page of the manual."""
    for line in re.findall(r"^\.Dl (.*)$", page, flags=re.M):
        yield line
    for block in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", page, flags=re.M | re.S):
        for line in block.splitlines():
            yield re.sub(r"^[#$] ", "", line.strip())


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


class Help:
    """What a program's --help knows: options and commands, of each command by its words."""

    def __init__(self, program):
        self.options, self.commands = {}, {}
        self.read(program, ())

    def read(self, program, words):
        text = run(BIN / program, *words, "--help")
        flags = "".join(re.findall(r"^ +(?:-[A-Za-z]|--[a-z])[^ ]*", text, flags=re.M))
        self.options[words] = set(re.findall(r"--?[A-Za-z][a-z-]*", flags))
        part = re.search(r"^Subcommands:\n(.*?)(?:\n\n|\Z)", text, flags=re.M | re.S)
        self.commands[words] = re.findall(r"^  ([a-z][a-z-]*)", part.group(1), flags=re.M) if part else []
        for command in self.commands[words]:
            self.read(program, (*words, command))


def words_of(line):
    """A command line up to what ends it, as a shell reads it; nothing if it is no such line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
    lexer.whitespace_split = True
    words = []
    try:
        for word in lexer:
            if re.fullmatch(r"[|&;()<>]+", word):
                break
            words.append(word)
    except ValueError:
        return []
    return words


def check_command(path, help_of, line):
    words = [word.strip("[],:") for word in words_of(line)]
    if not words:
        return
    program, known, previous = words[0].rpartition("/")[2], (), ""
    for word in words[1:]:
        if word.startswith("-") and len(word) > 1:
            option = word.split("=")[0]
            levels = [known[:depth] for depth in range(len(known) + 1)]
            if option not in ("--help", "--version") and not any(
                    option in help_of.options[level] for level in levels):
                problems.append(f"{path}: {' '.join((program, *known))} has no option {option}: {line}")
        elif word in help_of.commands[known]:
            known = (*known, word)
        elif help_of.commands[known] and re.fullmatch(r"[a-z][a-z-]+", word) and not previous.startswith("-"):
            # Neither an option's value nor one that a reader puts in, which are in capitals.
            problems.append(f"{path}: {' '.join((program, *known))} has no command {word}: {line}")
            return
        previous = word


def check_commands(path, lines, helps):
    start = re.compile(r"(?:^|[;&|$(]\s*|sudo )((?:\S*/)?(" + "|".join(PROGRAMS) + r")\s+[^\n]*)")
    for line in lines:
        # What stands behind it is for the reader.
        for whole, program in start.findall(re.sub(r"\s#\s.*", "", line)):
            check_command(path, helps[program], whole)


def check_settings(path, text, options):
    for line in code(text):
        setting = re.match(r"([A-Z][A-Za-z]+[a-z][A-Za-z]*) = ", line)
        if setting and setting.group(1) not in options:
            problems.append(f"{path}: the configuration file has no option {setting.group(1)}: {line}")


def check_metrics(path, text, metrics):
    for line in code(text):
        for metric in re.findall(r"(?<![\w/.-])spread_[a-z_]+(?![\w/.-]| --)", line):
            if metric not in metrics:
                problems.append(f"{path}: there is no metric {metric}: {line}")


def check_option_names(path, text, options):
    """Words written as options of the configuration file are, where nothing else is."""
    for line in code(text):
        if re.fullmatch(r"[A-Z][a-z]+(?:[A-Z]+[a-z]+)+|[A-Z]+[a-z]+[A-Z][A-Za-z]+", line) and line not in options:
            problems.append(f"{path}: the configuration file has no option {line}")


def check_scripts(path, text):
    for line in code(text):
        for script, rest in re.findall(r"(?:^|[\s(])(?:\./)?(tools/[a-z-]+)((?:\s[^|;&#]*)?)(?=[|;&#]|$)", line):
            if not (TOP / script).exists():
                problems.append(f"{path}: no {script}: {line}")
            elif (TOP / script).is_file():
                known = (TOP / script).read_text()
                for option in re.findall(r"(?<=\s)--[a-z-]+", rest):
                    if option not in known:
                        problems.append(f"{path}: {script} has no {option}: {line}")


helps = {program: Help(program) for program in PROGRAMS}
options = set(re.findall(r"^# *([A-Z][A-Za-z]+) = ", run(BIN / "spreadd", "--sample"), flags=re.M)) | {"Host", "Count"}
assert len(options) > 40 and all(help.options[()] for help in helps.values()), "the programs say nothing"
page = (TOP / "docs/man/spread-metrics.7").read_text()
metrics = set(re.findall(r"\bspread_[a-z_]+", page))
# What a rule of Prometheus or a reader makes of a histogram.
metrics |= {metric + ending for metric in metrics for ending in ("_bucket", "_sum", "_count")}
unit_settings = set(re.findall(r"^([A-Z][A-Za-z]+)=", (TOP / "packaging/systemd/spreadd.service.in").read_text(),
                               flags=re.M))
counted = 0
for document in sorted(set(documents())):
    text = document.read_text()
    check_links(document, text)
    if document.name in NO_COMMANDS:
        continue
    check_commands(document, code(text), helps)
    check_scripts(document, text)
    if document.parts[-2] != "python" and not document.name.startswith(("client-", "libspread")):
        check_settings(document, text, options)
    if document.name in FOR_OPERATORS:
        check_metrics(document, text, metrics)
        check_option_names(document, text, options | unit_settings)
    counted += 1
for page in sorted(TOP.glob("docs/man/*.[1578]")):
    check_commands(page, manual_code(page.read_text()), helps)
    counted += 1
assert counted > 40, "the documents are somewhere else"
print("\n".join(problems))
sys.exit(1 if problems else 0)
