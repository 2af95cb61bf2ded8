import spread

with spread.connect("4803@localhost", "alice") as mbox:
    mbox.join("room")
    mbox.multicast(spread.AGREED_MESS, "room", "hello")
    while True:
        msg = mbox.receive()
        print(msg)
