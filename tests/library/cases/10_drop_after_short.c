/* STOCK BUG. A too-short error first, then DROP_RECV with a body still too short: stock keeps the old header and
   takes the next message's bytes for the body of the old one. expected/ holds what a correct library prints.
*/
#include "case.h"
static struct got g;
int main(void) {
  char p[MAX_GROUP_NAME]; mailbox m = must_connect("das10", 0, p); int r;
  SP_join(m, "t10");
  SP_multicast(m, AGREED_MESS, "t10", 1, 10, "0123456789");
  SP_multicast(m, AGREED_MESS, "t10", 2, 200, "second message, long enough to serve as filler.................................................................................................................................................................");
  SP_multicast(m, AGREED_MESS, "t10", 3, 5, "third");
  r = rcv(m, &g, 0, 5, 4); show("first, short", r, &g);
  r = rcv(m, &g, DROP_RECV, 5, 4); show("first, DROP_RECV", r, &g); printf("  body %.4s\n", g.body);
  r = rcv(m, &g, 0, 5, 1000); printf("second: ret=%d mess_type=%d %s\n", r, g.mt, r == 200 && !memcmp(g.body, "second", 6) ? "right" : "WRONG");
  SP_disconnect(m);
  return 0;
}
