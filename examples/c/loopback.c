/*
 * Juliet and Romeo in one process: everything a client does with the library, from opening a store to reading
 * a message. Read it from `main` at the end upwards; or from here, in the order in which a client is
 * written.
 *
 *     cc loopback.c $(pkg-config --cflags --libs omemo) -o loopback && ./loopback
 *
 * What is missing is the stream. `server.h` plays that part: wherever a function of it is called, your client
 * sends or receives something.
 */
#include "server.h"

#include <time.h>

/* The library has no clock. It asks for the time in milliseconds wherever it needs it. */
static uint64_t now_ms(void) {
  return (uint64_t)time(NULL) * 1000;
}

/*
 * Every function that can fail takes an `omemo_error **` as its last argument. The error says what happened and
 * what makes sense now; there is nothing secret in it. This example ends at once; a client shows the message,
 * and tries again where omemo_error_remedy says so.
 */
static void check(omemo_status status, omemo_error **error) {
  if (status != OMEMO_OK) {
    fprintf(stderr, "%s: %s\n", omemo_error_stage(*error), omemo_error_message(*error));
    omemo_error_free(*error);
    exit(1);
  }
}

typedef struct {
  const char *jid;
  omemo_client *client;
  server *server;
  int messages;
} user;

/*
 * Step 1: open. A store keeps keys and sessions; this one is in memory, a client takes
 * omemo_store_open_sqlite("omemo.db", ...), and one that asks for a passphrase puts omemo_store_seal on top.
 * One store may hold any number of accounts.
 */
static void open_client(user *u) {
  omemo_error *error = NULL;
  omemo_store *store = NULL;
  omemo_options options;

  check(omemo_store_open_memory(&store, &error), &error);

  /* All zero is as recommended. Only how keys come to be trusted is yours to choose. */
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.trust = OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED;
  check(omemo_client_open(store, u->jid, &options, now_ms(), &u->client, &error), &error);

  /* The client has a reference of its own. */
  omemo_store_unref(store);
}

/*
 * Step 2: announce. Your service discovery information has to name these features, so that servers tell you of
 * changes of device lists.
 */
static void print_features(const user *u) {
  omemo_error *error = NULL;
  omemo_strings *features = NULL;
  size_t i;
  check(omemo_client_features(u->client, &features, &error), &error);
  for (i = 0; i < omemo_strings_count(features); i++) {
    printf("%s advertises %s\n", u->jid, omemo_strings_get(features, i));
  }
  omemo_strings_free(features);
}

/*
 * Step 3: do what is to be done. After each call of the library, take actions until there are none. Each is yours
 * to free; what is in it lives as long as it does.
 */
static void do_actions(user *u) {
  omemo_error *error = NULL;
  omemo_action *action = NULL;
  for (;;) {
    check(omemo_client_next_action(u->client, &action, &error), &error);
    if (action == NULL) {
      return;
    }
    switch (omemo_action_kind(action)) {
    case OMEMO_ACTION_REQUEST: {
      /* Send the <iq/>, and bring the answer back when it comes. The id says what it answers. */
      const omemo_request *request = omemo_action_request(action);
      char *answer = server_answer(u->server, u->jid, request);
      check(omemo_client_answer(u->client, request->id, answer, strlen(answer), now_ms(), &error), &error);
      free(answer);
      break;
    }
    case OMEMO_ACTION_ENCRYPTED: {
      /* A message of yours: send it. The report says for which devices it is encrypted. */
      size_t i;
      for (i = 0; i < omemo_action_device_count(action); i++) {
        const omemo_device_report *device = omemo_action_device(action, i);
        printf("%s: %s for device %u of %s\n", u->jid, device->gap == OMEMO_GAP_NONE ? "encrypted" : device->reason,
               (unsigned)device->device, device->jid);
      }
      server_send(u->server, u->jid, omemo_action_stanza(action, NULL));
      break;
    }
    case OMEMO_ACTION_SEND:
      /* An empty message, which keeps sessions alive. Nobody sees it. */
      server_send(u->server, u->jid, omemo_action_stanza(action, NULL));
      break;
    case OMEMO_ACTION_DELIVER: {
      /* A message, as if it had come in clear. Store it, then say so: until then it comes again. */
      const omemo_delivery *delivery = omemo_action_delivery(action);
      printf("%s reads from device %u of %s (%s):\n  %s\n", u->jid, (unsigned)delivery->device,
             omemo_action_sender(action), delivery->trust == OMEMO_TRUST_VERIFIED ? "verified" : "not verified",
             omemo_action_stanza(action, NULL));
      check(omemo_client_acknowledge(u->client, omemo_action_message_id(action), 1, &error), &error);
      u->messages++;
      break;
    }
    case OMEMO_ACTION_REFUSED:
      fprintf(stderr, "%s: not sent: %s\n", u->jid, omemo_action_refusal(action)->reason);
      exit(1);
    case OMEMO_ACTION_UNDECRYPTABLE:
      fprintf(stderr, "%s: not read: %s\n", u->jid, omemo_action_undecryptable(action)->reason);
      exit(1);
    case OMEMO_ACTION_DECIDE_TRUST: {
      /* Ask the user about these keys. Here the user says yes to all. */
      size_t i;
      for (i = 0; i < omemo_action_key_count(action); i++) {
        const omemo_undecided_key *key = omemo_action_key(action, i);
        check(omemo_client_decide(u->client, key->jid, &key->fingerprint, OMEMO_TRUST_BLIND, now_ms(), &error),
              &error);
      }
      break;
    }
    case OMEMO_ACTION_WAKE_AT:
      /* Set a timer to omemo_action_time_ms(action), and call omemo_client_tick then. */
    case OMEMO_ACTION_NOTICE:
    default:
      break;
    }
    omemo_action_free(action);
  }
}

/* Step 4: receive. Every <message/> goes through; what does not concern OMEMO is yours as ever. */
static int receive_all(user *u) {
  omemo_error *error = NULL;
  uint32_t disposition = 0;
  char *stanza;
  int count = 0;
  while ((stanza = server_next(u->server, u->jid)) != NULL) {
    check(omemo_client_receive(u->client, stanza, strlen(stanza), now_ms(), &disposition, &error), &error);
    if (disposition == OMEMO_DISPOSITION_NOT_OURS) {
      printf("%s shows a plain message: %s\n", u->jid, stanza);
    }
    free(stanza);
    do_actions(u);
    count++;
  }
  return count;
}

/* Step 5: send. Any <message/>, with whatever ids and receipts it has; its <body/> goes inside. */
static void say(user *u, const char *to, const char *text) {
  omemo_error *error = NULL;
  uint64_t ticket = 0;
  char stanza[512];
  snprintf(stanza, sizeof stanza, "<message to='%s' type='chat' id='m1'><body>%s</body></message>", to, text);
  check(omemo_client_encrypt(u->client, stanza, strlen(stanza), &to, 1, now_ms(), &ticket, &error), &error);
  do_actions(u);
}

/* What users compare. The account of a client answers questions, and never waits for the client. */
static void print_fingerprint(const user *u) {
  omemo_error *error = NULL;
  omemo_account *account = NULL;
  omemo_fingerprint fingerprint;
  char text[OMEMO_FINGERPRINT_SIZE];
  check(omemo_client_account(u->client, &account, &error), &error);
  check(omemo_account_fingerprint(account, &fingerprint, &error), &error);
  check(omemo_fingerprint_format(&fingerprint, text, &error), &error);
  printf("%s has the fingerprint %s\n", u->jid, text);
  omemo_account_unref(account);
}

int main(void) {
  static server world;
  user users[2] = {{"juliet@capulet.example", NULL, &world, 0}, {"romeo@montague.example", NULL, &world, 0}};
  omemo_error *error = NULL;
  int i;

  for (i = 0; i < 2; i++) {
    world.users[world.user_count++] = users[i].jid;
    open_client(&users[i]);
    print_features(&users[i]);
    print_fingerprint(&users[i]);
    /* There is a stream: bundles and device lists are published now. */
    check(omemo_client_connected(users[i].client, now_ms(), &error), &error);
    do_actions(&users[i]);
  }

  say(&users[0], users[1].jid, "Wherefore art thou?");
  while (receive_all(&users[0]) + receive_all(&users[1]) > 0) {
  }
  say(&users[1], users[0].jid, "Call me but love");
  while (receive_all(&users[0]) + receive_all(&users[1]) > 0) {
  }

  for (i = 0; i < 2; i++) {
    omemo_client_unref(users[i].client);
  }
  server_free(&world);
  return users[0].messages == 1 && users[1].messages == 1 ? 0 : 1;
}
