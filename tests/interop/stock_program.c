/* A client program on a stock Spread library: does what programs do, and prints what it got, without
 * anything that differs from run to run. The test compares what it prints with our daemon and with
 * stock's.
 *
 *   stock_program tour ADDRESS          everything one daemon can show
 *   stock_program auth ADDRESS          a method that the daemon does not offer
 *   stock_program watch ADDRESS USER N  joins "watched" and prints the next N messages
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sp.h>

enum { ROOM = 200000, GROUPS = 120 };

static char body[ROOM];
static char groups[GROUPS][MAX_GROUP_NAME];
static group_id last_id;

struct received {
    int result;
    service type;
    char sender[MAX_GROUP_NAME];
    int num_groups;
    int16 mess_type;
    int mismatch;
};

static unsigned sum_of(const char *bytes, int count)
{
    unsigned sum = 0;
    for (int i = 0; i < count; ++i) {
        sum = sum * 31 + (unsigned char)bytes[i];
    }
    return sum;
}

/* A body that does not look the same when it is shifted. */
static void fill(char *bytes, int count)
{
    unsigned state = 1;
    for (int i = 0; i < count; ++i) {
        state = state * 1103515245u + 12345u;
        bytes[i] = (char)(state >> 16);
    }
}

/* The offset of a set counts as seen from the body's start; ids are told apart, not shown. */
static void print_membership(const char *message, service type)
{
    membership_info info;
    memset(&info, 0, sizeof info);
    int result = SP_get_memb_info(message, type, &info);
    printf("  info %d: changed \"%s\", sets %u, own set of %u at %u, id %s\n", result,
           info.changed_member, info.num_vs_sets, info.my_vs_set.num_members,
           info.my_vs_set.members_offset,
           SP_equal_group_ids(info.gid, last_id) ? "as before" : "new");
    last_id = info.gid;
    if (!Is_reg_memb_mess(type)) {
        return;
    }
    vs_set_info sets[GROUPS];
    unsigned own = 99;
    result = SP_get_vs_sets_info(message, sets, GROUPS, &own);
    printf("  sets %d, own %u", result, own);
    printf(", with no room %d\n", SP_get_vs_sets_info(message, sets, 0, &own));
    for (int i = 0; i < result; ++i) {
        char names[GROUPS][MAX_GROUP_NAME];
        int count = SP_get_vs_set_members(message, &sets[i], names, GROUPS);
        printf("  set %d:", i);
        for (int j = 0; j < count; ++j) {
            printf(" %s", names[j]);
        }
        printf(" (with no room %d)\n", SP_get_vs_set_members(message, &sets[i], names, 0));
    }
}

static struct received receive(mailbox box, int max_groups, int max_bytes, service flags)
{
    struct received got;
    memset(&got, 0, sizeof got);
    got.type = flags;
    got.result = SP_receive(box, &got.type, got.sender, max_groups, &got.num_groups, groups,
                            &got.mess_type, &got.mismatch, max_bytes, body);
    return got;
}

static void print_received(const char *who, struct received got)
{
    printf("%s gets %d", who, got.result);
    if (got.result < 0) {
        printf(" groups %d mismatch %d\n", got.num_groups, got.mismatch);
        return;
    }
    printf(" type 0x%x from %s number %d mismatch %d to", (unsigned)got.type, got.sender,
           got.mess_type, got.mismatch);
    for (int i = 0; i < got.num_groups; ++i) {
        printf(" %s", groups[i]);
    }
    if (Is_membership_mess(got.type)) {
        printf("\n");
        if (Is_reg_memb_mess(got.type) || Is_transition_mess(got.type)) {
            print_membership(body, got.type);
        }
    } else {
        printf(", sum %08x\n", sum_of(body, got.result < ROOM ? got.result : ROOM));
    }
}

static void next(const char *who, mailbox box)
{
    print_received(who, receive(box, GROUPS, ROOM, 0));
}

static mailbox enter(const char *address, const char *user, int membership, char *private_group)
{
    mailbox box = -1;
    const sp_time patience = {20, 0};
    int result = SP_connect_timeout(address, user, 0, membership, &box, private_group, patience);
    printf("%s connects: %d %s\n", user, result, result == ACCEPT_SESSION ? private_group : "");
    if (result != ACCEPT_SESSION) {
        exit(1);
    }
    return box;
}

static void errors_of_connecting(const char *address)
{
    mailbox box;
    char group[MAX_GROUP_NAME];
    char long_host[100];
    const sp_time patience = {20, 0};
    const sp_time negative = {-1, 0};
    const char *bad[] = {"nowhere", "x@localhost", "4803:localhost", "@localhost"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; ++i) {
        printf("address %s: %d\n", bad[i], SP_connect(bad[i], "u", 0, 1, &box, group));
    }
    memset(long_host, 'h', sizeof long_host);
    memcpy(long_host, "4803@", 5);
    long_host[99] = '\0';
    printf("long address: %d\n", SP_connect(long_host, "u", 0, 1, &box, group));
    printf("nobody there: %d", SP_connect("1@127.0.0.1", "u", 0, 1, &box, group));
    printf(" %d\n", SP_connect("1", "u", 0, 1, &box, group));
    printf("illegal names: %d", SP_connect(address, "a b", 0, 1, &box, group));
    printf(" %d", SP_connect(address, "a#b", 0, 1, &box, group));
    printf(" %d\n", SP_connect(address, "a\x7f", 0, 1, &box, group));
    printf("name in use: %d\n", SP_connect(address, "alice", 0, 1, &box, group));
    printf("negative time: %d\n",
           SP_connect_timeout(address, "u", 0, 1, &box, group, negative));
    /* Longer names are cut by the library, and priorities mean nothing. */
    int result = SP_connect_timeout(address, "name-of-more-than-ten", 1, 1, &box, group, patience);
    printf("long name: %d %s\n", result, result == ACCEPT_SESSION ? group : "");
    if (result == ACCEPT_SESSION) {
        printf("leaves: %d\n", SP_disconnect(box));
    }
}

static void errors_of_calls(mailbox box)
{
    const mailbox nobody = 900;
    printf("unknown mailbox: %d", SP_join(nobody, "room"));
    printf(" %d", SP_leave(nobody, "room"));
    printf(" %d", SP_multicast(nobody, AGREED_MESS, "room", 0, 0, ""));
    printf(" %d", receive(nobody, GROUPS, ROOM, 0).result);
    printf(" %d", SP_poll(nobody));
    printf(" %d\n", SP_disconnect(nobody));
    printf("no service: %d", SP_multicast(box, 0, "room", 0, 0, ""));
    printf(" %d\n", SP_multicast(box, SELF_DISCARD, "room", 0, 0, ""));
    printf("illegal groups: %d", SP_join(box, ""));
    printf(" %d", SP_join(box, "a b"));
    printf(" %d", SP_join(box, "#alice#d1"));
    printf(" %d", SP_join(box, "a-name-of-more-than-thirty-one-bytes"));
    printf(" %d", SP_leave(box, ""));
    printf(" %d\n", SP_leave(box, "a\x01"));
    printf("too long: %d", SP_multicast(box, AGREED_MESS, "room", 0, 144000, body));
    printf(" %d\n", SP_multicast(box, AGREED_MESS, "room", 0, 143969, body));
}

static void services(mailbox alice, mailbox bob)
{
    const service all[] = {UNRELIABLE_MESS, RELIABLE_MESS, FIFO_MESS,
                           CAUSAL_MESS,     AGREED_MESS,   SAFE_MESS};
    const int16 numbers[] = {0, 1, -1, 32767, -32768, 0x1234};
    for (int i = 0; i < 6; ++i) {
        printf("sends %d\n", SP_multicast(alice, all[i], "room", numbers[i], 11, "eleven byte"));
        next("alice", alice);
        next("bob", bob);
        printf("sends %d\n",
               SP_multicast(alice, all[i] | SELF_DISCARD, "room", numbers[i], 0, ""));
        next("bob", bob);
    }
    printf("sends %d\n", SP_multicast(alice, AGREED_MESS | DROP_RECV, "room", 7, 3, "abc"));
    next("alice", alice);
    next("bob", bob);
}

static void many_groups(mailbox alice, mailbox bob, const char *bobs_group)
{
    static char to[GROUPS][MAX_GROUP_NAME];
    scatter parts;
    for (int i = 0; i < 43; ++i) {
        snprintf(to[i], MAX_GROUP_NAME, "nobody-%d", i);
    }
    strcpy(to[20], bobs_group);
    strcpy(to[42], "room");
    printf("sends %d\n", SP_multigroup_multicast(alice, SAFE_MESS, 43, (const char(*)[32])to, 5,
                                                 5, "hello"));
    next("alice", alice);
    next("bob", bob);
    parts.num_elements = 3;
    parts.elements[0].buf = "one ";
    parts.elements[0].len = 4;
    parts.elements[1].buf = "";
    parts.elements[1].len = 0;
    parts.elements[2].buf = "two";
    parts.elements[2].len = 3;
    printf("sends %d\n", SP_multigroup_scat_multicast(alice, FIFO_MESS, 2,
                                                      (const char(*)[32])(to + 19), 6, &parts));
    next("bob", bob);
    printf("sends %d\n", SP_scat_multicast(alice, AGREED_MESS, "room", 8, &parts));
    next("alice", alice);
    next("bob", bob);
    printf("sends %d\n", SP_multigroup_multicast(alice, AGREED_MESS, 0, (const char(*)[32])to, 0,
                                                 5, "to no"));
}

static void sizes(mailbox alice)
{
    static char sent[ROOM];
    const int some[] = {0, 1, 1000, 1400, 1432, 65536, 100000, 143120};
    fill(sent, ROOM);
    for (unsigned i = 0; i < sizeof some / sizeof *some; ++i) {
        printf("sends %d\n", SP_multicast(alice, AGREED_MESS, "room", 0, some[i], sent));
        next("alice", alice);
    }
}

static void scattered_receive(mailbox alice)
{
    scatter parts;
    char first[5];
    char second[7];
    char rest[100];
    struct received got;
    memset(&got, 0, sizeof got);
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    memset(rest, 0, sizeof rest);
    parts.num_elements = 3;
    parts.elements[0].buf = first;
    parts.elements[0].len = sizeof first;
    parts.elements[1].buf = second;
    parts.elements[1].len = sizeof second;
    parts.elements[2].buf = rest;
    parts.elements[2].len = sizeof rest;
    SP_multicast(alice, AGREED_MESS, "room", 3, 20, "abcdefghijklmnopqrst");
    got.result = SP_scat_receive(alice, &got.type, got.sender, GROUPS, &got.num_groups, groups,
                                 &got.mess_type, &got.mismatch, &parts);
    printf("in parts %d type 0x%x: %.5s|%.7s|%s\n", got.result, (unsigned)got.type, first, second,
           rest);
    /* A membership in parts: the library's helpers crash when a number is cut in two. */
    parts.num_elements = 2;
    parts.elements[0].buf = body;
    parts.elements[0].len = 24;
    parts.elements[1].buf = rest;
    parts.elements[1].len = sizeof rest;
    SP_join(alice, "parts");
    got.type = 0;
    got.result = SP_scat_receive(alice, &got.type, got.sender, GROUPS, &got.num_groups, groups,
                                 &got.mess_type, &got.mismatch, &parts);
    membership_info info;
    vs_set_info set;
    unsigned own = 99;
    char names[2][MAX_GROUP_NAME];
    int result = SP_scat_get_memb_info(&parts, got.type, &info);
    printf("membership in parts %d type 0x%x info %d changed %s sets %u\n", got.result,
           (unsigned)got.type, result, info.changed_member, info.num_vs_sets);
    result = SP_scat_get_vs_sets_info(&parts, &set, 1, &own);
    printf("sets %d own %u members %u", result, own, set.num_members);
    result = SP_scat_get_vs_set_members(&parts, &set, names, 2);
    printf(" %d %s\n", result, names[0]);
}

/* Short buffers lose nothing, unless the caller says that they may. */
static void short_buffers(mailbox alice)
{
    static const char to[3][MAX_GROUP_NAME] = {"room", "x", "y"};
    SP_multigroup_multicast(alice, AGREED_MESS, 3, to, 9, 10, "0123456789");
    print_received("short of groups:", receive(alice, 2, ROOM, 0));
    print_received("short of bytes:", receive(alice, GROUPS, 9, 0));
    print_received("short of both:", receive(alice, 0, 0, 0));
    next("alice", alice);
    SP_multigroup_multicast(alice, AGREED_MESS, 3, to, 9, 10, "0123456789");
    memset(body, 0, 16);
    struct received got = receive(alice, 1, 4, DROP_RECV);
    printf("dropping: %d type 0x%x groups %d first %s, %.4s\n", got.result, (unsigned)got.type,
           got.num_groups, groups[0], body);
    /* Nothing of it is left. */
    SP_multicast(alice, AGREED_MESS, "room", 0, 4, "next");
    next("alice", alice);
}

static void polling(mailbox alice)
{
    printf("waiting %d\n", SP_poll(alice));
    SP_multicast(alice, AGREED_MESS, "room", 0, 100, body);
    for (int i = 0; i < 1000 && SP_poll(alice) < 180; ++i) {
        poll(NULL, 0, 10);
    }
    printf("waiting %d\n", SP_poll(alice));
    next("alice", alice);
    printf("waiting %d\n", SP_poll(alice));
}

static void tour(const char *address)
{
    char alices[MAX_GROUP_NAME];
    char bobs[MAX_GROUP_NAME];
    char cids[MAX_GROUP_NAME];
    int major = 0;
    int minor = 0;
    int patch = 0;
    printf("library %d", SP_version(&major, &minor, &patch));
    printf(" %d.%d.%d\n", major, minor, patch);
    mailbox alice = enter(address, "alice", 1, alices);
    mailbox bob = enter(address, "bob", 1, bobs);
    mailbox cid = enter(address, "cid", 0, cids);
    errors_of_connecting(address);

    printf("joins %d\n", SP_join(alice, "room"));
    next("alice", alice);
    printf("joins %d\n", SP_join(bob, "room"));
    next("alice", alice);
    next("bob", bob);
    printf("joins %d\n", SP_join(cid, "room"));
    next("alice", alice);
    next("bob", bob);
    printf("joins again %d\n", SP_join(alice, "room"));
    printf("leaves nothing %d\n", SP_leave(alice, "elsewhere"));
    printf("to itself %d\n", SP_multicast(alice, RELIABLE_MESS, alices, 1, 4, "self"));
    next("alice", alice);
    printf("to all %d\n", SP_multicast(cid, FIFO_MESS, "room", 1, 3, "all"));
    next("alice", alice);
    next("bob", bob);
    next("cid", cid);
    printf("leaves %d\n", SP_leave(cid, "room"));
    next("alice", alice);
    next("bob", bob);

    services(alice, bob);
    many_groups(alice, bob, bobs);
    membership_info info;
    printf("info of no membership %d\n", SP_get_memb_info(body, AGREED_MESS, &info));

    printf("leaves %d\n", SP_leave(bob, "room"));
    next("bob", bob);
    next("alice", alice);
    sizes(alice);
    scattered_receive(alice);
    short_buffers(alice);
    polling(alice);
    errors_of_calls(alice);

    /* Ends of all kinds, as the others see them. */
    printf("joins %d\n", SP_join(bob, "room"));
    next("bob", bob);
    next("alice", alice);
    printf("disconnects %d\n", SP_disconnect(bob));
    next("alice", alice);
    bob = enter(address, "bob2", 1, bobs);
    SP_join(bob, "room");
    next("bob", bob);
    next("alice", alice);
    SP_kill(bob);
    printf("killed, joins %d\n", SP_join(bob, "room"));
    next("alice", alice);
    bob = enter(address, "bob3", 1, bobs);
    SP_join(bob, "room");
    next("bob", bob);
    next("alice", alice);
    /* Two services: the library lets it pass, the daemon does not. Which call meets the end of the
     * connection depends on who is quicker, as the library sends a message in pieces. */
    int result = SP_multicast(bob, FIFO_MESS | SAFE_MESS, "room", 0, 1, "x");
    if (result >= 0) {
        result = receive(bob, GROUPS, ROOM, 0).result;
    }
    printf("two services %d\n", result);
    next("bob again", bob);
    printf("afterwards %d\n", SP_multicast(bob, SAFE_MESS, "room", 0, 1, "x"));
    next("alice", alice);
    printf("disconnects %d\n", SP_disconnect(bob));

    SP_multicast(alice, SAFE_MESS, "room", 0, 8, "the last");
    next("alice", alice);
    printf("disconnects %d\n", SP_disconnect(cid));
    printf("disconnects %d\n", SP_disconnect(alice));
    printf("disconnects %d\n", SP_disconnect(alice));
}

static int refuse_nobody(int fd, void *data)
{
    (void)fd;
    (void)data;
    return 1;
}

static void auth(const char *address)
{
    mailbox box;
    char group[MAX_GROUP_NAME];
    printf("method %d\n", SP_set_auth_method("KNOCKING", refuse_nobody, NULL));
    printf("connects %d\n", SP_connect(address, "dave", 0, 1, &box, group));
}

static void watch(const char *address, const char *user, int count)
{
    char group[MAX_GROUP_NAME];
    mailbox box = enter(address, user, 1, group);
    SP_join(box, "watched");
    for (int i = 0; i < count; ++i) {
        next(user, box);
    }
    SP_disconnect(box);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "tour") == 0) {
        tour(argv[2]);
    } else if (argc == 3 && strcmp(argv[1], "auth") == 0) {
        auth(argv[2]);
    } else if (argc == 5 && strcmp(argv[1], "watch") == 0) {
        watch(argv[2], argv[3], atoi(argv[4]));
    } else {
        return 2;
    }
    printf("done\n");
    return 0;
}
