"""What the examples have in common: waiting for the terminal and the mailbox at once."""

import os
import select
import sys

import spread


def group(usual):
    """The group of `program DAEMON NAME [GROUP]`."""
    return sys.argv[3] if len(sys.argv) > 3 else usual


def open_mailbox(group):
    """A mailbox in `group`."""
    if len(sys.argv) < 3:
        sys.exit("usage: %s DAEMON NAME [GROUP]" % sys.argv[0])
    try:
        mbox = spread.connect(sys.argv[1], sys.argv[2])
        mbox.join(group)
        return mbox
    except spread.SpreadError as error:
        sys.exit("%s: %s" % (sys.argv[1], error))


def run(mbox, on_line, on_message):
    """Hands each line and each message on, until the input ends, or Ctrl-C, or the session."""
    try:
        hand_on(mbox, on_line, on_message)
    except KeyboardInterrupt:
        pass
    except spread.ConnectionClosed as error:
        sys.exit(str(error))


def hand_on(mbox, on_line, on_message):
    text = b""
    while True:
        ready = select.select([sys.stdin, mbox], [], [])[0]
        if mbox in ready:
            on_message(mbox.receive())
            sys.stdout.flush()
        if sys.stdin in ready:
            # Not by line: select() does not see what sys.stdin has read ahead.
            chunk = os.read(sys.stdin.fileno(), 4096)
            if not chunk:
                return
            *lines, text = (text + chunk).split(b"\n")
            for line in lines:
                on_line(line.decode())
