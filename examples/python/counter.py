"""A counter of which every member has a copy: counter DAEMON NAME [GROUP]

Numbers that are typed are added to it, at all members in one order. What a newcomer needs besides is the
value so far: in every new view each member says what it has, and the first one who has something
decides. What was added since the view began comes on top. A report names its view, since it may
arrive in a later one.
"""

import lines
import spread

GROUP = lines.group("counter")


class Counter:
    def __init__(self, mbox):
        self.mbox = mbox
        self.value = None
        self.view = None  # identifier of the current one
        self.without = 0  # members who have not yet said that they do not know
        self.is_decided = False  # somebody has said what the value was when the view began
        self.since_view = 0  # added in it so far

    def say(self, text):
        self.mbox.multicast(spread.AGREED_MESS, GROUP, text)

    def on_message(self, msg):
        if isinstance(msg, spread.RegularMsg):
            self.on_text(msg.message.decode().split())
        elif msg.members:
            self.on_view(msg)

    def on_view(self, view):
        self.view = str(view.group_id).strip("<>").split()[1]  # "<group_id A:B:C>"
        self.without = len(view.members)
        self.is_decided = False
        self.since_view = 0
        self.say("%s %s" % ("none" if self.value is None else "have %d" % self.value, self.view))

    def on_text(self, words):
        if words[0] == "add":
            self.since_view += int(words[1])
            if self.value is not None:
                self.set(self.value + int(words[1]))
        elif words[0] == "have" and words[2] == self.view:
            self.decide(int(words[1]))
        elif words[0] == "none" and words[1] == self.view:
            self.without -= 1
            if self.without == 0:
                self.decide(0)  # nobody knows: a new counter

    def decide(self, when_the_view_began):
        if not self.is_decided:
            self.is_decided = True
            if self.value != when_the_view_began + self.since_view:
                self.set(when_the_view_began + self.since_view)

    def set(self, value):
        self.value = value
        print("value", value)

    def add(self, line):
        try:
            self.say("add %d" % int(line))
        except ValueError:
            print("a number, please")


with lines.open_mailbox(GROUP) as mbox:
    counter = Counter(mbox)
    lines.run(mbox, counter.add, counter.on_message)
