"""Workers that share tasks and take over from each other: workers DAEMON NAME [GROUP]

A line that is typed is a task for whoever's turn it is. All members of a view get the same tasks in one
order, so that everybody knows without asking whose it is: the first one takes the first task, and so
on. Those who were in the view are the task's witnesses; when its owner is lost, the next witness
takes over. A task may thus be done twice, but is not forgotten while a witness lives.
"""

import lines
import spread

GROUP = lines.group("workers")


class Task:
    def __init__(self, text, witnesses):
        self.text = text
        self.witnesses = witnesses  # in the order in which they take over
        self.is_begun = False  # by us


class Worker:
    def __init__(self, mbox):
        self.mbox = mbox
        self.members = ()
        self.turn = 0  # tasks since the view began
        self.tasks = {}  # by sender and the sender's number
        self.submitted = 0

    def submit(self, text):
        self.submitted += 1
        # SAFE: whoever begins with it knows that all daemons have it.
        self.mbox.multicast(spread.SAFE_MESS, GROUP, "task %d %s" % (self.submitted, text))

    def on_message(self, msg):
        if isinstance(msg, spread.RegularMsg):
            verb, number, rest = msg.message.decode().split(" ", 2)
            if verb == "task" and self.members:
                first = self.turn % len(self.members)
                self.turn += 1
                self.tasks[msg.sender, int(number)] = Task(
                    rest, list(self.members[first:] + self.members[:first]))
            elif verb == "done":
                self.tasks.pop((rest, int(number)), None)
        elif msg.members:
            self.on_view(msg)
        self.work()

    def on_view(self, view):
        # Who did not come along into this view has missed what we know, or is gone.
        together = view.extra if view.reason == spread.CAUSED_BY_NETWORK else view.members
        for task in self.tasks.values():
            task.witnesses = [witness for witness in task.witnesses if witness in together]
        self.members = view.members
        self.turn = 0
        print("* workers:", len(view.members))

    def work(self):
        """Does what has become ours."""
        for (sender, number), task in self.tasks.items():
            if not task.is_begun and task.witnesses[:1] == [self.mbox.private_group]:
                task.is_begun = True
                print("doing", task.text)
                self.mbox.multicast(spread.AGREED_MESS, GROUP, "done %d %s" % (number, sender))


with lines.open_mailbox(GROUP) as mbox:
    worker = Worker(mbox)
    lines.run(mbox, worker.submit, worker.on_message)
