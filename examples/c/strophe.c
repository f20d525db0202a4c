/*
 * A chat client with OMEMO, on libstrophe (Debian: libstrophe-dev).
 *
 *     cc strophe.c $(pkg-config --cflags --libs omemo libstrophe) -o strophe
 *     OMEMO_PASSWORD=… ./strophe --store ~/.strophe juliet@capulet.example
 *
 * Between "OMEMO begins" and "OMEMO ends" is what a client adds for OMEMO, and what is worth reading. The rest is a
 * client as there are many. `loopback.c` shows the same without a network: begin there.
 *
 * From the start to the first message:
 *
 *     open the store → connect → roster, carbons → presence with our features → read the archive
 *     → publish our keys → lines that are typed go out encrypted, messages are shown
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <omemo.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  const char *jid, *host, *ca_file, *folder;
  unsigned short port;
  char password[1024];

  /* OMEMO */
  omemo_options options;
  omemo_client *omemo;
  omemo_account *account;
  omemo_strings *features;
  uint64_t wake_at;
  uint64_t catch_up, query;
  uint32_t device;
  uint8_t is_ready;
  unsigned unsent;

  /* XMPP */
  xmpp_ctx_t *ctx;
  xmpp_conn_t *conn;
  char place[256];
  int has_place;
  char to[3072];
  char input[16384];
  size_t input_len;
  time_t retry_at, leave_by;
  int is_online, was_online, is_caught_up, is_leaving;
} chat;

/* What OMEMO uses of the rest: a line for the user, like printf; a message; the time, as the library has no clock. */
static void show(const char *format, ...);
static void show_message(chat *c, const char *label, const char *sender, const char *xml);
static uint64_t now_ms(void);

/* ------------------------------------------------------------------------------------------------ OMEMO begins */

/* A call that failed has changed nothing. Wrong arguments, like a mistyped address, are told; all else ends us. */
static omemo_error *error;
static int check(omemo_status status) {
  if (status != OMEMO_OK) {
    show("! OMEMO: %s", omemo_error_message(error));
    if (omemo_error_remedy(error) != OMEMO_REMEDY_FIX) {
      exit(1); /* what the server was not told that we have, it gives again */
    }
    omemo_error_free(error);
    error = NULL;
  }
  return status == OMEMO_OK;
}

/* What two people compare, by telephone or eye to eye. */
static void show_key(char mark, const char *jid, const omemo_fingerprint *fingerprint) {
  char text[OMEMO_FINGERPRINT_SIZE];
  if (check(omemo_fingerprint_format(fingerprint, text, &error))) {
    show("%c %s %s", mark, jid, text);
  }
}

/* Step 1: open. Keys and sessions are in a file. The options are zero but for what main has chosen. */
static int open_omemo(chat *c, const char *path) {
  omemo_store *store = NULL;
  omemo_fingerprint fingerprint;
  if (!check(omemo_store_open_sqlite(path, NULL, &store, &error)) ||
      !check(omemo_client_open(store, c->jid, &c->options, now_ms(), &c->omemo, &error)) ||
      !check(omemo_client_account(c->omemo, &c->account, &error)) ||
      !check(omemo_account_device(c->account, &c->device, &error)) ||
      !check(omemo_account_fingerprint(c->account, &fingerprint, &error)) ||
      !check(omemo_client_features(c->omemo, &c->features, &error))) {
    return 0;
  }
  show_key('*', c->jid, &fingerprint);
  omemo_store_unref(store);
  return 1;
}

/* A message that was read: a whole <message/>, as if it had come in clear. */
static void show_delivery(chat *c, const omemo_action *action) {
  static const char *const trust[] = {"?", "undecided", "trusted", "verified", "distrusted"};
  const omemo_delivery *delivery = omemo_action_delivery(action);
  char label[64];
  snprintf(label, sizeof label, "%s, device %u, %s", delivery->protocol == OMEMO_PROTOCOL_OMEMO2 ? "OMEMO 2" : "OMEMO",
           (unsigned)delivery->device, trust[delivery->trust <= OMEMO_TRUST_DISTRUSTED ? delivery->trust : 0]);
  show_message(c, label, omemo_action_sender(action), omemo_action_stanza(action, NULL));
}

/* A message of ours that can be sent: for which devices, and why not for others. */
static void show_report(const omemo_action *action) {
  size_t i;
  for (i = 0; i < omemo_action_device_count(action); i++) {
    const omemo_device_report *device = omemo_action_device(action, i);
    show("%c message %u, device %u of %s: %s", device->reason ? '!' : '*', (unsigned)omemo_action_ticket(action),
         (unsigned)device->device, device->jid, device->reason ? device->reason : "encrypted");
  }
  show("* message %u is sent", (unsigned)omemo_action_ticket(action));
}

/* A message that waits for the user. The answer names the key: no other that came meanwhile can be meant. */
static void show_question(const omemo_action *action) {
  size_t i;
  for (i = 0; i < omemo_action_key_count(action); i++) {
    const omemo_undecided_key *key = omemo_action_key(action, i);
    show("? message %u waits: may device %u of %s read it? /verify, /trust or /distrust this key, or /skip %u",
         (unsigned)omemo_action_ticket(action), (unsigned)key->device, key->jid, (unsigned)omemo_action_ticket(action));
    show_key('?', key->jid, &key->fingerprint);
  }
}

static void show_notice(const omemo_notice *notice) {
  show("! %s: %s %u %s", notice->message, notice->jid ? notice->jid : "", (unsigned)notice->device,
       notice->reason ? notice->reason : "");
}

/* Step 2: do what is to be done. The main loop comes here after whatever was called, until there is nothing. */
static void do_actions(chat *c) {
  omemo_message_id shown[64];
  size_t count = 0;
  omemo_action *action = NULL;
  while (count < 64 && check(omemo_client_next_action(c->omemo, &action, &error)) && action != NULL) {
    switch (omemo_action_kind(action)) {
    case OMEMO_ACTION_ENCRYPTED:
      show_report(action);
      c->unsent--;
      /* fall through */
    case OMEMO_ACTION_REQUEST: /* its answer comes to `take_answer` */
    case OMEMO_ACTION_SEND:    /* an empty message, which keeps sessions alive */
      xmpp_send_raw_string(c->conn, "%s", omemo_action_stanza(action, NULL));
      break;
    case OMEMO_ACTION_REFUSED:
      show("! message %u is not sent: %s", (unsigned)omemo_action_ticket(action), omemo_action_refusal(action)->reason);
      c->unsent--;
      break;
    case OMEMO_ACTION_DELIVER: /* until it is acknowledged it comes again after each start */
      show_delivery(c, action);
      shown[count++] = *omemo_action_message_id(action);
      break;
    case OMEMO_ACTION_UNDECRYPTABLE:
      show("! a message cannot be read: %s", omemo_action_undecryptable(action)->reason);
      break;
    case OMEMO_ACTION_DECIDE_TRUST:
      show_question(action);
      break;
    case OMEMO_ACTION_NOTICE:
      show_notice(omemo_action_notice(action));
      break;
    case OMEMO_ACTION_WAKE_AT:
      c->wake_at = omemo_action_time_ms(action);
      break;
    }
    omemo_action_free(action);
  }
  check(omemo_client_acknowledge(c->omemo, shown, count, &error)); /* one write for all that came together */
  if (count == 64) do_actions(c);
}

/* Step 3: receive. Every <message/> goes through as it came. Whether it is one that does not concern OMEMO. */
static int take_message(chat *c, const char *xml, size_t len) {
  uint32_t disposition = OMEMO_DISPOSITION_NOT_OURS;
  check(omemo_client_receive(c->omemo, xml, len, now_ms(), &disposition, &error));
  do_actions(c);
  return disposition == OMEMO_DISPOSITION_NOT_OURS;
}

/* And every <iq/> of the type result or error: some are what OMEMO has asked for. */
static void take_answer(chat *c, const char *iq_id, const char *xml, size_t len) {
  uint64_t request = 0;
  if (omemo_request_parse_id(iq_id, &request, NULL) == OMEMO_OK) {
    check(omemo_client_answer(c->omemo, request, xml, len, now_ms(), &error));
  }
}

/* And what the roster says: who is a contact, and whether his server tells us of changes. */
static void take_contact(chat *c, const char *jid, int is_accepted, int is_subscribed) {
  check(omemo_client_set_contact(c->omemo, jid, (uint8_t)is_accepted, (uint8_t)is_subscribed, now_ms(), &error));
}

/* Step 4: send. Any <message/>, with whatever ids and receipts it has; its <body/> goes inside. */
static void send_encrypted(chat *c, const char *to, const char *xml, size_t len) {
  uint64_t ticket = 0;
  if (check(omemo_client_encrypt(c->omemo, xml, len, &to, 1, now_ms(), &ticket, &error))) {
    show("* message %u to %s", (unsigned)ticket, to);
    c->unsent++;
  }
}

/* Step 5: decide. What the user thinks of a key; that a message is not to wait; that a conversation is broken. */
static void decide(chat *c, const char *jid, const char *key, omemo_trust trust) {
  omemo_fingerprint fingerprint;
  if (check(omemo_fingerprint_parse(key, &fingerprint, &error))) {
    check(omemo_client_decide(c->omemo, jid, &fingerprint, trust, now_ms(), &error));
  }
}

static void skip(chat *c, uint64_t ticket) {
  check(omemo_client_send_anyway(c->omemo, ticket, now_ms(), &error));
}

static void reset(chat *c, const char *jid) {
  check(omemo_client_reset(c->omemo, jid, now_ms(), &error));
}

/* Step 6: say when: that messages of the time before are coming, some in the answer to a query to the archive; */
static void begin_catch_up(chat *c, const char *query_id) {
  uint64_t lost = c->catch_up; /* with the stream */
  check(omemo_client_begin_catch_up(c->omemo, OMEMO_ORDER_OLDEST_FIRST, now_ms(), &c->catch_up, &error));
  check(omemo_client_expect_archive(c->omemo, c->catch_up, NULL, query_id, &c->query, &error));
  check(lost == 0 ? OMEMO_OK : omemo_client_end_catch_up(c->omemo, lost, now_ms(), &error));
}

/* that a page of them is complete; with the last, OMEMO publishes our keys, and sends what waits; */
static void end_page(chat *c, int is_last) {
  check(omemo_client_end_page(c->omemo, c->query, now_ms(), &error));
  if (is_last) {
    check(omemo_client_end_catch_up(c->omemo, c->catch_up, now_ms(), &error));
    c->catch_up = 0;
    check(omemo_client_connected(c->omemo, now_ms(), &error));
  }
}

/* that the stream is gone; and that time has passed. */
static void lose_stream(chat *c) {
  check(omemo_client_disconnected(c->omemo, &error));
}

static void pass_time(chat *c) {
  if (c->wake_at != 0 && c->wake_at <= now_ms()) {
    c->wake_at = 0;
    check(omemo_client_tick(c->omemo, now_ms(), &error));
  }
  if (c->is_online && !c->is_ready && check(omemo_client_is_published(c->omemo, &c->is_ready, &error)) && c->is_ready) {
    show("* ready: others can write to device %u", (unsigned)c->device);
  }
}
/* -------------------------------------------------------------------------------------------------- OMEMO ends */

static const char usage[] =
    "usage: strophe [OPTION]... JID\n"
    "  --store FOLDER           keys, sessions and the place in the archive (default .)\n"
    "  --server HOST[:PORT]     instead of what the JID says\n"
    "  --password-file FILE     its first line; else the environment variable OMEMO_PASSWORD\n"
    "  --ca FILE                certificates that are trusted, instead of the system's\n"
    "  --trust ask|first|blind  new keys of contacts trusted by themselves: none, those of the first devices,\n"
    "                           all until one was verified (default)\n"
    "  --only legacy|omemo2     one version of OMEMO instead of both\n";

static const char help[] =
    "/to JID             whom lines are for\n"
    "/add JID            be told of a contact, and be seen\n"
    "/verify JID KEY     the key is right, I have compared it\n"
    "/trust JID KEY      it will be right\n"
    "/distrust JID KEY   nothing is encrypted for it\n"
    "/skip N             message N goes without those whom nobody has decided about\n"
    "/reset JID          the conversation is broken: the next message begins it anew\n"
    "/quit\n"
    "What is no command is a message.\n";

#define NS_ARCHIVE "urn:xmpp:mam:2"
#define NS_PAGES "http://jabber.org/protocol/rsm"
#define NS_CAPS "http://jabber.org/protocol/caps"
#define NS_STANZA_ID "urn:xmpp:sid:0"
#define OUR_NODE "urn:x-omemo-strophe"
#define QUERY_ID "catch-up"

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What others have written must not move the cursor, nor look like a line of ours. */
static void show(const char *format, ...) {
  static char line[65536];
  va_list arguments;
  char *at;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  for (at = line; *at != 0; at++) {
    if ((unsigned char)*at < ' ' || *at == 127) {
      *at = ' ';
    }
  }
  puts(line);
}

/* A message, encrypted or not. Only this program writes what is in brackets at the beginning of a line. */
static void show_message(chat *c, const char *label, const char *sender, const char *xml) {
  xmpp_stanza_t *message = xmpp_stanza_new_from_string(c->ctx, xml);
  char *body = message == NULL ? NULL : xmpp_message_get_body(message);
  const char *to = message == NULL ? NULL : xmpp_stanza_get_to(message);
  int is_ours = strcmp(sender, c->jid) == 0;
  if (body != NULL) {
    show("[%s] %s%s%s: %s", label, sender, is_ours && to != NULL ? " to " : "", is_ours && to != NULL ? to : "", body);
    xmpp_free(c->ctx, body);
  }
  if (message != NULL) {
    xmpp_stanza_release(message);
  }
}

static xmpp_stanza_t *element(chat *c, xmpp_stanza_t *parent, const char *name, const char *ns) {
  xmpp_stanza_t *made = xmpp_stanza_new(c->ctx);
  xmpp_stanza_set_name(made, name);
  if (ns != NULL) {
    xmpp_stanza_set_ns(made, ns);
  }
  if (parent != NULL) {
    xmpp_stanza_add_child_ex(parent, made, 0);
  }
  return made;
}

static void text_in(chat *c, xmpp_stanza_t *parent, const char *text) {
  xmpp_stanza_t *made = xmpp_stanza_new(c->ctx);
  xmpp_stanza_set_text(made, text);
  xmpp_stanza_add_child_ex(parent, made, 0);
}

static void send_off(chat *c, xmpp_stanza_t *stanza) {
  xmpp_send(c->conn, stanza);
  xmpp_stanza_release(stanza);
}

static void send_presence(chat *c, const char *to, const char *type) {
  xmpp_stanza_t *presence = xmpp_presence_new(c->ctx);
  xmpp_stanza_set_to(presence, to);
  xmpp_stanza_set_type(presence, type);
  send_off(c, presence);
}

/* ---------------------------------------------------------------------- what we can do (XEP-0030, XEP-0115) */

static int compare(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All features, sorted; how many. */
static size_t features(const chat *c, const char **all, size_t room) {
  static const char *const ours[] = {XMPP_NS_DISCO_INFO, NS_CAPS, "urn:xmpp:eme:0"};
  size_t count = 0, i;
  for (i = 0; i < sizeof ours / sizeof ours[0]; i++) {
    all[count++] = ours[i];
  }
  for (i = 0; i < omemo_strings_count(c->features) && count < room; i++) {
    all[count++] = omemo_strings_get(c->features, i);
  }
  qsort(all, count, sizeof *all, compare);
  return count;
}

/* Our presence. Servers ask what is behind `ver`, and tell us of device lists then. */
static void appear(chat *c) {
  unsigned char digest[XMPP_SHA1_DIGEST_SIZE];
  const char *all[16];
  char text[2048] = "client/console//strophe<", *version;
  size_t count = features(c, all, 16), i;
  xmpp_stanza_t *presence = xmpp_presence_new(c->ctx), *caps;
  for (i = 0; i < count; i++) {
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s<", all[i]);
  }
  xmpp_sha1_digest((unsigned char *)text, strlen(text), digest);
  version = xmpp_base64_encode(c->ctx, digest, sizeof digest);
  caps = element(c, presence, "c", NS_CAPS);
  xmpp_stanza_set_attribute(caps, "hash", "sha-1");
  xmpp_stanza_set_attribute(caps, "node", OUR_NODE);
  xmpp_stanza_set_attribute(caps, "ver", version);
  xmpp_free(c->ctx, version);
  send_off(c, presence);
}

/* An answer. `xmpp_stanza_reply` gives none to our own server, which asks without a name. */
static xmpp_stanza_t *answer_to(chat *c, xmpp_stanza_t *iq, const char *type) {
  xmpp_stanza_t *answer = xmpp_iq_new(c->ctx, type, xmpp_stanza_get_id(iq));
  if (xmpp_stanza_get_from(iq) != NULL) {
    xmpp_stanza_set_to(answer, xmpp_stanza_get_from(iq));
  }
  return answer;
}

/* Answers what others ask: what we can do, and nothing else. */
static void serve(chat *c, xmpp_stanza_t *iq) {
  xmpp_stanza_t *asked = xmpp_stanza_get_child_by_ns(iq, XMPP_NS_DISCO_INFO), *reply, *query, *identity;
  const char *all[16];
  size_t count = features(c, all, 16), i;
  if (asked == NULL || strcmp(xmpp_stanza_get_type(iq), "get") != 0) {
    xmpp_stanza_t *problem;
    reply = answer_to(c, iq, "error");
    problem = element(c, reply, "error", NULL);
    xmpp_stanza_set_type(problem, "cancel");
    element(c, problem, "service-unavailable", XMPP_NS_STANZAS_IETF);
    send_off(c, reply);
    return;
  }
  reply = answer_to(c, iq, "result");
  query = element(c, reply, "query", XMPP_NS_DISCO_INFO);
  if (xmpp_stanza_get_attribute(asked, "node") != NULL) {
    xmpp_stanza_set_attribute(query, "node", xmpp_stanza_get_attribute(asked, "node"));
  }
  identity = element(c, query, "identity", NULL);
  xmpp_stanza_set_attribute(identity, "category", "client");
  xmpp_stanza_set_attribute(identity, "type", "console");
  xmpp_stanza_set_attribute(identity, "name", "strophe");
  for (i = 0; i < count; i++) {
    xmpp_stanza_set_attribute(element(c, query, "feature", NULL), "var", all[i]);
  }
  send_off(c, reply);
}

/* ------------------------------------------------------------- what was written meanwhile (XEP-0313, XEP-0059) */

/* The place in the archive up to which everything is read, kept beside the keys; empty: before its beginning. */
static void read_place(chat *c) {
  char path[4096];
  FILE *file;
  snprintf(path, sizeof path, "%s/place", c->folder);
  file = fopen(path, "r");
  if (file != NULL) {
    c->place[fread(c->place, 1, sizeof c->place - 1, file)] = 0;
    c->has_place = 1;
    fclose(file);
  }
}

static void keep_place(chat *c, const char *place) {
  char path[4096], fresh[4096 + 4];
  FILE *file;
  if (strlen(place) >= sizeof c->place) {
    return;
  }
  strcpy(c->place, place);
  c->has_place = 1;
  snprintf(path, sizeof path, "%s/place", c->folder);
  snprintf(fresh, sizeof fresh, "%s.new", path);
  file = fopen(fresh, "w");
  if (file == NULL || fputs(place, file) < 0 || fclose(file) != 0 || rename(fresh, path) != 0) {
    show("! %s: %s", path, strerror(errno));
  }
}

/* Asks for what came after our place. A new device has none, and only asks where the archive ends. */
static void ask_archive(chat *c) {
  xmpp_stanza_t *iq = xmpp_iq_new(c->ctx, "set", "archive"), *query, *set;
  query = element(c, iq, "query", NS_ARCHIVE);
  set = element(c, query, "set", NS_PAGES);
  text_in(c, element(c, set, "max", NULL), c->has_place ? "100" : "1");
  if (!c->has_place) {
    element(c, set, "before", NULL);
  } else {
    xmpp_stanza_set_attribute(query, "queryid", QUERY_ID);
    if (c->place[0] != 0) {
      text_in(c, element(c, set, "after", NULL), c->place);
    }
  }
  send_off(c, iq);
}

/* No page has come. If our place is not kept any more, all that is kept is read; else the place stays where it is. */
static void take_no_page(chat *c, xmpp_stanza_t *iq) {
  xmpp_stanza_t *failure = xmpp_stanza_get_child_by_name(iq, "error");
  if (c->place[0] != 0 && failure != NULL && xmpp_stanza_get_child_by_name(failure, "item-not-found") != NULL) {
    show("! messages were removed from the archive before they were read here");
    c->place[0] = 0;
    ask_archive(c);
    return;
  }
  show("! the archive cannot be read; it is tried again after the next login");
  end_page(c, 1);
}

/* A page has come, or the server has no archive. */
static void take_page(chat *c, xmpp_stanza_t *iq) {
  xmpp_stanza_t *fin = xmpp_stanza_get_child_by_ns(iq, NS_ARCHIVE);
  xmpp_stanza_t *set = fin == NULL ? NULL : xmpp_stanza_get_child_by_ns(fin, NS_PAGES);
  xmpp_stanza_t *last = set == NULL ? NULL : xmpp_stanza_get_child_by_name(set, "last");
  const char *complete = fin == NULL ? NULL : xmpp_stanza_get_attribute(fin, "complete");
  char *place = last == NULL ? NULL : xmpp_stanza_get_text(last);
  int is_last = place == NULL || !c->has_place || (complete != NULL && strcmp(complete, "true") == 0);
  if (fin == NULL && c->has_place) {
    take_no_page(c, iq);
    return;
  }
  end_page(c, is_last);
  if (place != NULL) {
    keep_place(c, place);
    xmpp_free(c->ctx, place);
  } else if (fin != NULL && !c->has_place) {
    keep_place(c, ""); /* nothing is in it: all that comes is for this device */
  }
  c->is_caught_up = is_last;
  if (!is_last) {
    ask_archive(c);
  }
}

/* ---------------------------------------------------------------------------------------------- what comes */

/* Whether our own server says it: nobody else answers for it. */
static int is_from_us(const chat *c, xmpp_stanza_t *stanza) {
  const char *from = xmpp_stanza_get_from(stanza);
  return from == NULL || strcmp(from, c->jid) == 0;
}

static void take_roster(chat *c, xmpp_stanza_t *iq) {
  xmpp_stanza_t *query = xmpp_stanza_get_child_by_ns(iq, XMPP_NS_ROSTER), *item;
  for (item = query == NULL ? NULL : xmpp_stanza_get_children(query); item; item = xmpp_stanza_get_next(item)) {
    const char *jid = xmpp_stanza_get_attribute(item, "jid"), *subscription;
    subscription = xmpp_stanza_get_attribute(item, "subscription");
    if (jid != NULL && subscription != NULL) {
      int is_subscribed = strcmp(subscription, "to") == 0 || strcmp(subscription, "both") == 0;
      take_contact(c, jid, strcmp(subscription, "remove") != 0, is_subscribed);
    }
  }
}

static int on_iq(xmpp_conn_t *conn, xmpp_stanza_t *iq, void *user_data) {
  chat *c = user_data;
  const char *id = xmpp_stanza_get_id(iq), *type = xmpp_stanza_get_type(iq);
  (void)conn;
  if (id == NULL || type == NULL) {
    return 1;
  }
  if (strcmp(type, "set") == 0 && is_from_us(c, iq) && xmpp_stanza_get_child_by_ns(iq, XMPP_NS_ROSTER) != NULL) {
    take_roster(c, iq);
    send_off(c, answer_to(c, iq, "result"));
  } else if (strcmp(type, "set") == 0 || strcmp(type, "get") == 0) {
    serve(c, iq);
  } else if (strcmp(id, "roster") == 0 && is_from_us(c, iq)) {
    take_roster(c, iq);
  } else if (strcmp(id, "archive") == 0 && is_from_us(c, iq)) {
    take_page(c, iq);
  } else {
    char *xml;
    size_t len;
    if (xmpp_stanza_to_text(iq, &xml, &len) == XMPP_EOK) {
      take_answer(c, id, xml, len);
      xmpp_free(c->ctx, xml);
    }
  }
  return 1;
}

static int on_message(xmpp_conn_t *conn, xmpp_stanza_t *message, void *user_data) {
  chat *c = user_data;
  const char *from = xmpp_stanza_get_from(message), *type = xmpp_stanza_get_type(message);
  xmpp_stanza_t *child;
  char *xml;
  size_t len;
  (void)conn;
  if (xmpp_stanza_to_text(message, &xml, &len) != XMPP_EOK) {
    return 1;
  }
  if (take_message(c, xml, len) && from != NULL) {
    show_message(c, type != NULL && strcmp(type, "error") == 0 ? "came back" : "NOT ENCRYPTED", from, xml);
  }
  xmpp_free(c->ctx, xml);
  /* What it contained is stored: the place in the archive moves on. */
  for (child = xmpp_stanza_get_children(message); child != NULL; child = xmpp_stanza_get_next(child)) {
    const char *ns = xmpp_stanza_get_ns(child), *by = xmpp_stanza_get_attribute(child, "by");
    if (c->is_caught_up && ns != NULL && strcmp(ns, NS_STANZA_ID) == 0 && by != NULL && strcmp(by, c->jid) == 0 &&
        xmpp_stanza_get_id(child) != NULL) {
      keep_place(c, xmpp_stanza_get_id(child));
    }
  }
  return 1;
}

static int on_presence(xmpp_conn_t *conn, xmpp_stanza_t *presence, void *user_data) {
  const char *from = xmpp_stanza_get_from(presence), *type = xmpp_stanza_get_type(presence);
  (void)conn;
  (void)user_data;
  if (from != NULL && type != NULL && strcmp(type, "subscribe") == 0) {
    show("? %s wants to see when we are here: /add %s", from, from);
  }
  return 1;
}

/* -------------------------------------------------------------------------------------------------- the stream */

static void on_connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int problem, xmpp_stream_error_t *said,
                          void *user_data) {
  chat *c = user_data;
  xmpp_stanza_t *iq;
  (void)problem;
  if (event != XMPP_CONN_CONNECT) {
    if (!c->is_leaving) {
      show("! not connected: %s", said != NULL && said->text != NULL ? said->text
                                  : c->was_online                    ? "trying again"
                                                                     : "wrong server, certificate or password");
    }
    lose_stream(c);
    c->is_online = c->is_caught_up = c->is_ready = 0;
    c->retry_at = time(NULL) + 5;
    return;
  }
  c->is_online = c->was_online = 1;
  xmpp_handler_add(conn, on_iq, NULL, "iq", NULL, c);
  xmpp_handler_add(conn, on_message, NULL, "message", NULL, c);
  xmpp_handler_add(conn, on_presence, NULL, "presence", NULL, c);
  begin_catch_up(c, QUERY_ID);
  iq = xmpp_iq_new(c->ctx, "get", "roster");
  element(c, iq, "query", XMPP_NS_ROSTER);
  send_off(c, iq);
  iq = xmpp_iq_new(c->ctx, "set", "carbons");
  element(c, iq, "enable", "urn:xmpp:carbons:2");
  send_off(c, iq);
  appear(c);
  ask_archive(c);
}

static int connect_stream(chat *c) {
  if (c->conn != NULL) {
    xmpp_conn_release(c->conn);
  }
  c->conn = xmpp_conn_new(c->ctx);
  xmpp_conn_set_jid(c->conn, c->jid);
  xmpp_conn_set_pass(c->conn, c->password);
  xmpp_conn_set_flags(c->conn, XMPP_CONN_FLAG_MANDATORY_TLS);
  if (c->ca_file != NULL) {
    xmpp_conn_set_cafile(c->conn, c->ca_file);
  }
  c->retry_at = 0;
  return xmpp_connect_client(c->conn, c->host, c->port, on_connection, c) == XMPP_EOK;
}

/* ---------------------------------------------------------------------------------------------- what is typed */

static void say(chat *c, const char *text) {
  char *id = xmpp_uuid_gen(c->ctx), *xml;
  xmpp_stanza_t *message = xmpp_message_new(c->ctx, "chat", c->to, id);
  size_t len;
  xmpp_message_set_body(message, text);
  if (xmpp_stanza_to_text(message, &xml, &len) == XMPP_EOK) {
    send_encrypted(c, c->to, xml, len);
    xmpp_free(c->ctx, xml);
  }
  xmpp_stanza_release(message);
  xmpp_free(c->ctx, id);
}

/* A line: a command, or a message to whom /to has named. */
static void obey(chat *c, char *line) {
  char *first = strchr(line, ' '), *second;
  if (line[0] != '/') {
    if (c->to[0] == 0) {
      show("! to whom? /to JID");
    } else if (line[0] != 0) {
      say(c, line);
    }
    return;
  }
  if (first != NULL) {
    *first++ = 0;
  }
  second = first == NULL ? NULL : strchr(first, ' ');
  if (strcmp(line, "/quit") == 0) {
    c->is_leaving = 1;
  } else if (strcmp(line, "/to") == 0 && first != NULL) {
    snprintf(c->to, sizeof c->to, "%s", first);
  } else if (strcmp(line, "/add") == 0 && first != NULL) {
    send_presence(c, first, "subscribed");
    send_presence(c, first, "subscribe");
  } else if (strcmp(line, "/skip") == 0 && first != NULL) {
    skip(c, strtoull(first, NULL, 10));
  } else if (strcmp(line, "/reset") == 0 && first != NULL) {
    reset(c, first);
  } else if (second != NULL) {
    *second++ = 0;
    if (strcmp(line, "/verify") == 0) {
      decide(c, first, second, OMEMO_TRUST_VERIFIED);
    } else if (strcmp(line, "/trust") == 0) {
      decide(c, first, second, OMEMO_TRUST_BLIND);
    } else if (strcmp(line, "/distrust") == 0) {
      decide(c, first, second, OMEMO_TRUST_DISTRUSTED);
    }
  } else {
    fputs(help, stdout);
  }
}

/* Takes the lines that are there, waiting for them so many milliseconds. After the last, what waits may be sent. */
static void read_input(chat *c, int wait) {
  struct pollfd input = {STDIN_FILENO, POLLIN, 0};
  ssize_t count;
  char *end;
  if (c->is_leaving || poll(&input, 1, wait) <= 0) {
    return;
  }
  count = read(STDIN_FILENO, c->input + c->input_len, sizeof c->input - 1 - c->input_len);
  if (count <= 0) {
    c->is_leaving = 1;
    c->leave_by = time(NULL) + 30;
    return;
  }
  c->input_len += (size_t)count;
  c->input[c->input_len] = 0;
  while ((end = strchr(c->input, '\n')) != NULL) {
    *end++ = 0;
    obey(c, c->input);
    c->input_len -= (size_t)(end - c->input);
    memmove(c->input, end, c->input_len + 1);
  }
  if (c->input_len == sizeof c->input - 1) {
    show("! the line is too long");
    c->input_len = 0;
  }
}

/* The main loop, until the user leaves. */
static int run(chat *c) {
  if (!connect_stream(c)) {
    return 1;
  }
  while (!c->is_leaving || (c->unsent > 0 && time(NULL) < c->leave_by)) {
    xmpp_run_once(c->ctx, 20);
    read_input(c, c->is_online ? 0 : 20);
    pass_time(c);
    do_actions(c);
    if (c->retry_at != 0 && !c->was_online) {
      return 1;
    }
    if (c->retry_at != 0 && c->retry_at <= time(NULL) && !connect_stream(c)) {
      c->retry_at = time(NULL) + 60;
    }
  }
  xmpp_disconnect(c->conn);
  while (c->is_online) {
    xmpp_run_once(c->ctx, 20);
  }
  return c->unsent > 0;
}

static int read_password(chat *c, const char *path) {
  const char *password = getenv("OMEMO_PASSWORD");
  if (path != NULL) {
    FILE *file = fopen(path, "r");
    password = file == NULL ? NULL : fgets(c->password, sizeof c->password, file);
    if (file != NULL) {
      fclose(file);
    }
    c->password[strcspn(c->password, "\r\n")] = 0;
  } else if (password != NULL) {
    snprintf(c->password, sizeof c->password, "%s", password);
  }
  return password != NULL;
}

/* Reads the arguments. The name of the file with the password goes to `password`. */
static int read_arguments(chat *c, char **arguments, const char **password) {
  for (; *arguments != NULL; arguments++) {
    const char *name = *arguments, *value = arguments[1];
    if (name[0] != '-') {
      /* As the server writes it: without a resource, in small letters. */
      char *at = *arguments;
      at[strcspn(at, "/")] = 0;
      for (c->jid = at; *at != 0; at++) {
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
      }
      continue;
    }
    if (value == NULL) {
      return 0;
    }
    arguments++;
    if (strcmp(name, "--store") == 0) {
      c->folder = value;
    } else if (strcmp(name, "--ca") == 0) {
      c->ca_file = value;
    } else if (strcmp(name, "--password-file") == 0) {
      *password = value;
    } else if (strcmp(name, "--server") == 0) {
      char *port = strchr(*arguments, ':');
      c->host = value;
      if (port != NULL) {
        *port++ = 0;
        c->port = (unsigned short)atoi(port);
      }
    } else if (strcmp(name, "--trust") == 0 && strcmp(value, "ask") == 0) {
      c->options.trust = OMEMO_TRUST_POLICY_MANUAL;
    } else if (strcmp(name, "--trust") == 0 && strcmp(value, "first") == 0) {
      c->options.trust = OMEMO_TRUST_POLICY_FIRST_USE;
    } else if (strcmp(name, "--trust") == 0 && strcmp(value, "blind") == 0) {
      c->options.trust = OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED;
    } else if (strcmp(name, "--only") == 0 && strcmp(value, "legacy") == 0) {
      c->options.versions = OMEMO_VERSION_POLICY_ONLY_LEGACY;
    } else if (strcmp(name, "--only") == 0 && strcmp(value, "omemo2") == 0) {
      c->options.versions = OMEMO_VERSION_POLICY_ONLY_OMEMO2;
    } else {
      return 0;
    }
  }
  return c->jid != NULL;
}

int main(int count, char **arguments) {
  static chat c;
  const char *password = NULL;
  char path[4096];
  int status = 1;
  (void)count;
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  c.folder = ".";
  c.options.struct_size = sizeof c.options;
  c.options.trust = OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED;
  if (!read_arguments(&c, arguments + 1, &password) || !read_password(&c, password)) {
    fputs(usage, stderr);
    return 2;
  }
  mkdir(c.folder, 0700);
  read_place(&c);
  snprintf(path, sizeof path, "%s/omemo.db", c.folder);
  xmpp_initialize();
  c.ctx = xmpp_ctx_new(NULL, xmpp_get_default_logger(XMPP_LEVEL_ERROR));
  if (open_omemo(&c, path)) {
    status = run(&c);
  }
  if (c.conn != NULL) {
    xmpp_conn_release(c.conn);
  }
  xmpp_ctx_free(c.ctx);
  xmpp_shutdown();
  omemo_strings_free(c.features);
  omemo_account_unref(c.account);
  omemo_client_unref(c.omemo);
  return status;
}
