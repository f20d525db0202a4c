/* What the tests share: checks that say where they fail, and users who write to each other over a server. */
#ifndef TEST_H
#define TEST_H

#include "server.h"

static const uint64_t NOW = 1700000000000u;

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                                   \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

/* A call that succeeds, with &error as its last argument. It leaves the error alone. */
#define OK(call)                                                                                                       \
  do {                                                                                                                 \
    omemo_error *error = NULL;                                                                                         \
    omemo_status status_ = (call);                                                                                     \
    if (status_ != OMEMO_OK || error != NULL) {                                                                        \
      printf("%s:%d: %s: %u %s\n", __FILE__, __LINE__, #call, (unsigned)status_,                                       \
             error == NULL ? "" : omemo_error_message(error));                                                         \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

/* A call that fails like this, with &error as its last argument. */
#define FAILS(expected, call)                                                                                          \
  do {                                                                                                                 \
    omemo_error *error = NULL;                                                                                         \
    omemo_status status_ = (call);                                                                                     \
    if (status_ != (expected) || error == NULL || omemo_error_status(error) != status_ ||                              \
        omemo_error_message(error) == NULL || omemo_error_stage(error) == NULL || omemo_error_remedy(error) == 0) {    \
      printf("%s:%d: %s: %u %s\n", __FILE__, __LINE__, #call, (unsigned)status_,                                       \
             error == NULL ? "without an error" : omemo_error_message(error));                                         \
      exit(1);                                                                                                         \
    }                                                                                                                  \
    omemo_error_free(error);                                                                                           \
  } while (0)

/* An output that nobody may touch when a call fails. */
#define UNTOUCHED ((void *)untouched_place)
char untouched_place[1];

static inline void options_init(omemo_options *options) {
  memset(options, 0, sizeof *options);
  options->struct_size = sizeof *options;
  options->trust = OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED;
}

typedef struct {
  const char *jid;
  omemo_client *client;
  omemo_account *account;
  server *server;
  /* What was handed out: the last of each, and how many. */
  char text[512];
  char sender[64];
  char room[64];
  int delivered, undecryptable, refused, asked, encrypted, notices, prepared;
  size_t left_out, lost;
  omemo_message_id id;
  uint64_t ticket, wake_at;
  uint32_t reason, origin, mark;
  char beside[256];
  int acknowledges, answers;
} user;

static inline void user_open(user *u, server *s, omemo_store *store, const char *jid, const omemo_options *options) {
  memset(u, 0, sizeof *u);
  u->jid = jid;
  u->server = s;
  u->acknowledges = u->answers = 1;
  if (s->user_count < 8) {
    s->users[s->user_count++] = jid;
  }
  OK(omemo_client_open(store, jid, options, NOW, &u->client, &error));
  OK(omemo_client_account(u->client, &u->account, &error));
}

static inline void user_close(user *u) {
  omemo_account_unref(u->account);
  omemo_client_unref(u->client);
}

static inline void user_act(user *u) {
  omemo_action *action = NULL;
  for (;;) {
    size_t length = 0;
    const char *stanza;
    OK(omemo_client_next_action(u->client, &action, &error));
    if (action == NULL) {
      return;
    }
    stanza = omemo_action_stanza(action, &length);
    CHECK(stanza == NULL ? length == 0 : length == strlen(stanza));
    switch (omemo_action_kind(action)) {
    case OMEMO_ACTION_REQUEST: {
      const omemo_request *request = omemo_action_request(action);
      CHECK(stanza != NULL && strstr(stanza, request->iq_id) != NULL && strstr(stanza, request->payload) != NULL);
      CHECK(strlen(request->payload) == request->payload_len);
      CHECK(request->is_set == (strstr(stanza, "<iq type='set'") != NULL));
      if (u->answers) {
        char *answer = server_answer(u->server, u->jid, request);
        OK(omemo_client_answer(u->client, request->id, answer, strlen(answer), NOW, &error));
        free(answer);
      }
      break;
    }
    case OMEMO_ACTION_ENCRYPTED:
      u->encrypted++;
      u->ticket = omemo_action_ticket(action);
      CHECK(omemo_action_device_count(action) > 0);
      CHECK(omemo_action_device(action, omemo_action_device_count(action)) == NULL);
      u->left_out = omemo_action_left_out_count(action);
      CHECK(u->left_out == 0 || omemo_action_left_out(action, 0)->reason != NULL);
      CHECK(omemo_action_left_out(action, u->left_out) == NULL);
      u->lost = omemo_action_lost_element_count(action);
      CHECK((omemo_action_lost_element(action, 0) != NULL) == (u->lost > 0));
      server_send(u->server, u->jid, stanza);
      break;
    case OMEMO_ACTION_SEND:
      server_send(u->server, u->jid, stanza);
      break;
    case OMEMO_ACTION_DELIVER:
      u->delivered++;
      u->id = *omemo_action_message_id(action);
      u->origin = omemo_action_delivery(action)->origin;
      u->mark = omemo_action_mark_count(action) == 0 ? 0 : omemo_action_mark(action, 0)->kind;
      CHECK(omemo_action_mark(action, omemo_action_mark_count(action)) == NULL);
      snprintf(u->beside, sizeof u->beside, "%s", omemo_action_unauthenticated(action, &length));
      CHECK(length == strlen(u->beside));
      snprintf(u->text, sizeof u->text, "%s", stanza);
      snprintf(u->sender, sizeof u->sender, "%s", omemo_action_sender(action));
      if (u->acknowledges) {
        OK(omemo_client_acknowledge(u->client, &u->id, 1, &error));
      }
      break;
    case OMEMO_ACTION_UNDECRYPTABLE:
      u->undecryptable++;
      u->reason = omemo_action_undecryptable(action)->kind;
      CHECK(omemo_action_undecryptable(action)->reason != NULL);
      snprintf(u->sender, sizeof u->sender, "%s", omemo_action_sender(action) == NULL ? "" : omemo_action_sender(action));
      break;
    case OMEMO_ACTION_REFUSED:
      u->refused++;
      u->ticket = omemo_action_ticket(action);
      u->reason = omemo_action_refusal(action)->kind;
      CHECK(omemo_action_refusal(action)->reason != NULL);
      break;
    case OMEMO_ACTION_DECIDE_TRUST:
      u->asked++;
      u->ticket = omemo_action_ticket(action);
      CHECK(omemo_action_key_count(action) > 0 && omemo_action_key(action, 0)->jid != NULL);
      CHECK(omemo_action_key(action, omemo_action_key_count(action)) == NULL);
      break;
    case OMEMO_ACTION_DECIDE_IDENTITY:
      CHECK(omemo_action_changed_identity(action, 0)->jid != NULL);
      break;
    case OMEMO_ACTION_PREPARED:
      u->prepared++;
      u->ticket = omemo_action_ticket(action);
      CHECK(omemo_action_changed_identity_count(action) == 0 && omemo_action_changed_identity(action, 0) == NULL);
      u->asked += omemo_action_key_count(action) > 0;
      break;
    case OMEMO_ACTION_NOTICE:
      u->notices++;
      u->reason = omemo_action_notice(action)->kind;
      CHECK(strlen(omemo_action_notice(action)->message) > 0);
      break;
    case OMEMO_ACTION_ASK_MEMBERS:
      snprintf(u->room, sizeof u->room, "%s", omemo_action_room(action));
      break;
    case OMEMO_ACTION_WAKE_AT:
      u->wake_at = omemo_action_time_ms(action);
      CHECK(u->wake_at > NOW);
      break;
    default:
      CHECK(!"a kind of action without a name");
    }
    omemo_action_free(action);
  }
}

static inline uint32_t user_receive(user *u, const char *stanza) {
  uint32_t disposition = 0;
  OK(omemo_client_receive(u->client, stanza, strlen(stanza), NOW, &disposition, &error));
  user_act(u);
  return disposition;
}

/* Lets all do what is to be done, until nothing is left. */
static inline void settle(user *users, size_t count) {
  size_t i;
  int quiet = 0;
  /* Twice: what the last one sends is for the first. */
  while (quiet < 2) {
    quiet++;
    for (i = 0; i < count; i++) {
      char *stanza;
      user_act(&users[i]);
      while ((stanza = server_next(users[i].server, users[i].jid)) != NULL) {
        user_receive(&users[i], stanza);
        free(stanza);
        quiet = 0;
      }
    }
  }
}

static inline uint64_t user_say(user *u, const char *to, const char *text) {
  uint64_t ticket = 0;
  char stanza[512];
  snprintf(stanza, sizeof stanza, "<message to='%s' type='chat' id='m'><body>%s</body></message>", to, text);
  OK(omemo_client_encrypt(u->client, stanza, strlen(stanza), &to, 1, NOW, &ticket, &error));
  CHECK(ticket != 0);
  return ticket;
}

static inline void user_connect(user *u) {
  OK(omemo_client_connected(u->client, NOW, &error));
  user_act(u);
}

#endif
