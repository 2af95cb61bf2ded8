/** @file sp.h
 *  C interface to a Spread daemon, binary and source compatible with the stock client libraries.
 *
 *  A mailbox is the descriptor of the connection: it may be watched with select(), poll(), epoll or
 *  an event loop, and is readable when at least one byte is there. Calls return what they did (0, 1
 *  or a number of bytes) or one of the negative codes below; none changes errno unless the
 *  connection broke. All calls may be made from any thread: sending and receiving on one mailbox do
 *  not wait for each other, two senders or two receivers take turns, whole messages at a time.
 */
#ifndef SPREAD_SP_H
#define SPREAD_SP_H

#include <stddef.h>

/** Version of the interface. */
#define SPREAD_VERSION 0x05000000

#define DEFAULT_SPREAD_PORT 4803

/* ---- Types ---- */

/** Plain names, because programs declare variables with them. */
#define int16 short
#define int32 int

typedef int mailbox;
typedef int service;

/** Seconds and microseconds; both of one sign, microseconds below a million. */
typedef struct dummy_time {
    long sec;
    long usec;
} sp_time;

#define MAX_GROUP_NAME 32   /**< bytes of a name with its NUL */
#define MAX_PRIVATE_NAME 10 /**< bytes of a private name, without NUL */
#define MAX_PROC_NAME 20    /**< bytes of a daemon name with its NUL */
#define MAX_CLIENT_SCATTER_ELEMENTS 100

typedef struct dummy_scat_element {
    char *buf;
    size_t len;
} scat_element;

/** A body in pieces, sent and filled in order; empty pieces are skipped. */
typedef struct dummy_scatter {
    size_t num_elements;
    scat_element elements[MAX_CLIENT_SCATTER_ELEMENTS];
} scatter;

/** Names one view of one group; compare with SP_equal_group_ids(). */
typedef struct dummy_group_id {
    int32 id[3];
} group_id;

/** A set of members that came through a network change together. */
typedef struct dummy_vs_set_info {
    unsigned int num_members;
    unsigned int members_offset; /**< of the names, from the start of the body */
} vs_set_info;

typedef struct dummy_membership_info {
    group_id gid;
    char changed_member[MAX_GROUP_NAME]; /**< who joined, left or disconnected; else empty */
    unsigned int num_vs_sets;
    vs_set_info my_vs_set;
} membership_info;

/* ---- Service types ---- */

#define UNRELIABLE_MESS 0x00000001
#define RELIABLE_MESS 0x00000002
#define FIFO_MESS 0x00000004
#define CAUSAL_MESS 0x00000008
#define AGREED_MESS 0x00000010
#define SAFE_MESS 0x00000020
#define REGULAR_MESS 0x0000003f

#define SELF_DISCARD 0x00000040 /**< option of a multicast: not to the sender */
#define DROP_RECV 0x01000000    /**< option of a receive: cut what does not fit */

#define REG_MEMB_MESS 0x00001000
#define TRANSITION_MESS 0x00002000
#define CAUSED_BY_JOIN 0x00000100
#define CAUSED_BY_LEAVE 0x00000200
#define CAUSED_BY_DISCONNECT 0x00000400
#define CAUSED_BY_NETWORK 0x00000800
#define MEMBERSHIP_MESS 0x00003f00

#define ENDIAN_RESERVED 0x80000080
#define RESERVED 0x003fc000
#define REJECT_MESS 0x00400000

/* What a service type says. Non-zero means yes. */
#define Is_unreliable_mess(type) ((type) & UNRELIABLE_MESS)
#define Is_reliable_mess(type) ((type) & RELIABLE_MESS)
#define Is_fifo_mess(type) ((type) & FIFO_MESS)
#define Is_causal_mess(type) ((type) & CAUSAL_MESS)
#define Is_agreed_mess(type) ((type) & AGREED_MESS)
#define Is_safe_mess(type) ((type) & SAFE_MESS)
#define Is_regular_mess(type) (((type) & REGULAR_MESS) && !((type) & REJECT_MESS))
#define Is_self_discard(type) ((type) & SELF_DISCARD)
#define Is_reg_memb_mess(type) ((type) & REG_MEMB_MESS)
#define Is_transition_mess(type) ((type) & TRANSITION_MESS)
#define Is_caused_join_mess(type) ((type) & CAUSED_BY_JOIN)
#define Is_caused_leave_mess(type) ((type) & CAUSED_BY_LEAVE)
#define Is_caused_disconnect_mess(type) ((type) & CAUSED_BY_DISCONNECT)
#define Is_caused_network_mess(type) ((type) & CAUSED_BY_NETWORK)
#define Is_membership_mess(type) (((type) & MEMBERSHIP_MESS) && !((type) & REJECT_MESS))
#define Is_reject_mess(type) ((type) & REJECT_MESS)
#define Is_self_leave(type) \
    (((type) & CAUSED_BY_LEAVE) && !((type) & (REG_MEMB_MESS | TRANSITION_MESS)))

/* For bodies from a machine of the other byte order (endian_mismatch). */
#define Flip_int16(value) \
    ((int16)(((((unsigned int)(value)) >> 8) & 0x00ffu) | ((((unsigned int)(value)) << 8) & 0xff00u)))
#define Flip_int32(value)                                    \
    ((int32)(((((unsigned int)(value)) >> 24) & 0x000000ffu) | \
             ((((unsigned int)(value)) >> 8) & 0x0000ff00u) |  \
             ((((unsigned int)(value)) << 8) & 0x00ff0000u) |  \
             ((((unsigned int)(value)) << 24) & 0xff000000u)))

/* ---- Return codes ---- */

#define ACCEPT_SESSION 1

#define ILLEGAL_SPREAD (-1)      /**< daemon string, or host unknown */
#define COULD_NOT_CONNECT (-2)
#define REJECT_QUOTA (-3)        /**< the daemon has too many sessions */
#define REJECT_NO_NAME (-4)
#define REJECT_ILLEGAL_NAME (-5)
#define REJECT_NOT_UNIQUE (-6)   /**< private name in use on that daemon */
#define REJECT_VERSION (-7)
#define CONNECTION_CLOSED (-8)   /**< end of stream, socket error, or time limit of a connect */
#define REJECT_AUTH (-9)
#define ILLEGAL_SESSION (-11)    /**< no such mailbox */
#define ILLEGAL_SERVICE (-12)
#define ILLEGAL_MESSAGE (-13)
#define ILLEGAL_GROUP (-14)
#define BUFFER_TOO_SHORT (-15)
#define GROUPS_TOO_SHORT (-16)
#define MESSAGE_TOO_LONG (-17)   /**< body and 32 bytes per group exceed 144000 */
#define NET_ERROR_ON_SESSION (-18) /**< use after CONNECTION_CLOSED; only disconnect is left */
#define SP_BUG (-19)
#define ILLEGAL_TIME (-20)

#include "sp_events.h"
#include "sp_func.h"

#endif
