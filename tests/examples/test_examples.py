"""The examples in their three languages, with each other, on a ring of three daemons.

Wants SPREAD_DAEMON, and in SPREAD_EXAMPLES the directory of the compiled ones, c_NAME and cpp_NAME.
"""

import os
import select
import signal
import subprocess
import sys
import time
import unittest

import daemons

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = os.path.join(ROOT, "examples", "python")


class Program:
    """A running example: lines in, lines out."""

    def __init__(self, language, name, *arguments):
        command = ([sys.executable, os.path.join(PYTHON, name + ".py")] if language == "python"
                   else [os.path.join(os.environ["SPREAD_EXAMPLES"], language + "_" + name)])
        self.name = "%s in %s" % (name, language)
        self.process = subprocess.Popen(command + list(arguments), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0)
        self.pending = b""
        self.lines = []

    def fileno(self):
        return self.process.stdout.fileno()

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")

    def read(self):
        chunk = os.read(self.fileno(), 4096)
        if not chunk:
            raise AssertionError("%s ended; it said: %s" % (self.name, self.lines))
        *lines, self.pending = (self.pending + chunk).split(b"\n")
        self.lines += [line.decode() for line in lines]

    def wait_line(self, line):
        wait([self], lambda: line in self.lines)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def wait(programs, is_so):
    """Until what the programs have said is as wanted."""
    deadline = time.monotonic() + daemons.PATIENCE
    while not is_so():
        left = max(0.0, deadline - time.monotonic())
        ready = select.select(programs, [], [], left)[0]
        if not ready:
            raise AssertionError("they said only: %s" % {p.name: p.lines for p in programs})
        for program in ready:
            program.read()


def tasks_of(program):
    return [line for line in program.lines if line.startswith("doing ")]


class ExamplesTest(unittest.TestCase):
    LANGUAGES = ("c", "cpp", "python")
    used = 0  # names and groups so far: each test has its own

    @classmethod
    def setUpClass(cls):
        cls.ring = daemons.Ring(3)
        cls.addClassCleanup(cls.ring.close)
        cls.ring.wait_formed()

    def setUp(self):
        self.next_group()

    def next_group(self):
        ExamplesTest.used += 1
        self.group = "group%d" % self.used

    def name(self, language):
        return "%s%d" % (language, self.used)

    def start(self, language, name):
        """At a daemon of its own."""
        index = self.LANGUAGES.index(language)
        program = Program(language, name, self.ring.address(index), self.name(language),
                          self.group)
        self.addCleanup(program.stop)
        return program

    def test_chat(self):
        names = ["#%s#d%d" % (self.name(each), i + 1) for i, each in enumerate(self.LANGUAGES)]
        view = "* in %s: " % self.group
        programs = []
        for language in self.LANGUAGES:
            programs.append(self.start(language, "chat"))
            # Each sees all who are there, in the order of the daemons.
            for program in programs:
                program.wait_line(view + " ".join(names[:len(programs)]))
        for program, language in zip(programs, self.LANGUAGES):
            program.say("hello from " + language)
        said = {"%s: hello from %s" % pair for pair in zip(names, self.LANGUAGES)}
        for program in programs:
            wait([program], lambda: said <= set(program.lines))
        # In one order for all.
        orders = {tuple(line for line in program.lines if line in said) for program in programs}
        self.assertEqual(len(orders), 1)
        # Whoever ends the input leaves in order.
        programs[0].process.stdin.close()
        self.assertEqual(programs[0].process.wait(), 0)
        for program in programs[1:]:
            program.wait_line(view + " ".join(names[1:]))

    def test_counter(self):
        # Whoever comes first hands over to the next one, of whatever language.
        for first in range(3):
            self.next_group()
            order = self.LANGUAGES[first:] + self.LANGUAGES[:first]
            with self.subTest(order=order):
                programs = [self.start(order[0], "counter")]
                programs[0].wait_line("value 0")
                programs[0].say("5")
                programs[0].wait_line("value 5")
                total = 5
                for language in order[1:]:
                    programs.append(self.start(language, "counter"))
                    for program in programs:  # while it may still be coming
                        program.say("1")
                    total += len(programs)
                    for program in programs:
                        program.wait_line("value %d" % total)
                # The only one who was there from the beginning goes.
                programs.pop(0).stop()
                programs[0].say("-10")
                for program in programs:
                    program.wait_line("value %d" % (total - 10))

    def start_workers(self):
        programs = [self.start(language, "workers") for language in self.LANGUAGES]
        for program in programs:
            program.wait_line("* workers: 3")
        return programs

    def test_workers_take_turns(self):
        programs = self.start_workers()
        for number in range(6):
            programs[number % 3].say("task %d" % number)
        wait(programs, lambda: sum(len(tasks_of(program)) for program in programs) == 6)
        self.assertEqual([len(tasks_of(program)) for program in programs], [2, 2, 2])
        self.assertEqual(sorted(sum((tasks_of(program) for program in programs), [])),
                         ["doing task %d" % number for number in range(6)])

    def test_a_lost_workers_task_is_taken_over(self):
        for lost in range(3):
            self.next_group()
            with self.subTest(lost=self.LANGUAGES[lost]):
                programs = self.start_workers()
                victim = programs.pop(lost)
                victim.process.send_signal(signal.SIGSTOP)
                for number in range(3):
                    programs[0].say("task %d" % number)
                # Two tasks are done, and the third one waits until its owner is lost.
                wait(programs, lambda: all(tasks_of(program) for program in programs))
                victim.stop()
                wait(programs, lambda: sum(len(tasks_of(program)) for program in programs) == 3)
                self.assertEqual(sorted(sum((tasks_of(program) for program in programs), [])),
                                 ["doing task %d" % number for number in range(3)])


if __name__ == "__main__":
    unittest.main()
