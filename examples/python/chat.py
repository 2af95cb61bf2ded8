"""What you type goes to everybody in the room, in one order for all: chat DAEMON NAME [GROUP]"""

import lines
import spread

room = lines.group("room")


def show(msg):
    if isinstance(msg, spread.RegularMsg):
        print("%s: %s" % (msg.sender, msg.message.decode()))
    elif msg.msg_subtype == spread.TRANSITION_MESS:
        print("* somebody is being lost from", msg.group)
    elif msg.members:
        print("* in %s:" % msg.group, *msg.members)


with lines.open_mailbox(room) as mbox:
    lines.run(mbox, lambda line: mbox.multicast(spread.AGREED_MESS, room, line), show)
