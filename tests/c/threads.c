/* One client from several threads: what is sent is sent once, questions are answered meanwhile. */
#include "host_store.h"

#define SENDERS 4
#define MESSAGES 25

static server world;
static user users[2];
static pthread_mutex_t server_mutex = PTHREAD_MUTEX_INITIALIZER;
static char *sent[SENDERS * MESSAGES * 2];
static size_t sent_count;

static void *send_some(void *number) {
  int i;
  char text[32];
  for (i = 0; i < MESSAGES; i++) {
    snprintf(text, sizeof text, "message %d of %d", i, *(int *)number);
    user_say(&users[0], users[1].jid, text);
  }
  return NULL;
}

static void *take_some(void *unused) {
  size_t taken = 0;
  omemo_action *action = NULL;
  while (taken < SENDERS * MESSAGES / 2) {
    OK(omemo_client_next_action(users[0].client, &action, &error));
    if (omemo_action_kind(action) == OMEMO_ACTION_ENCRYPTED) {
      size_t length = 0;
      const char *stanza = omemo_action_stanza(action, &length);
      pthread_mutex_lock(&server_mutex);
      sent[sent_count] = server_text(length);
      strcpy(sent[sent_count++], stanza);
      pthread_mutex_unlock(&server_mutex);
      taken++;
    }
    omemo_action_free(action);
  }
  return unused;
}

static void *ask_some(void *unused) {
  int i;
  for (i = 0; i < 100; i++) {
    omemo_devices *devices = NULL;
    omemo_fingerprint fingerprint;
    uint32_t device = 0;
    OK(omemo_account_fingerprint(users[0].account, &fingerprint, &error));
    OK(omemo_account_device(users[0].account, &device, &error));
    OK(omemo_account_devices(users[0].account, users[1].jid, &devices, &error));
    CHECK(omemo_devices_count(devices) == 1);
    omemo_devices_free(devices);
  }
  return unused;
}

/* An account is used beside its client, too. */
static void *decide_some(void *unused) {
  int i;
  for (i = 0; i < 25; i++) {
    const char *recipient = users[1].jid;
    omemo_peers *lists = NULL, *bundles = NULL;
    OK(omemo_account_set_accepted(users[0].account, "nurse@capulet.example", i % 2, NOW, &error));
    OK(omemo_account_missing(users[0].account, &recipient, 1, 1, 1, &lists, &bundles, &error));
    CHECK(omemo_peers_count(lists) + omemo_peers_count(bundles) == 0);
    omemo_peers_free(lists);
    omemo_peers_free(bundles);
  }
  return unused;
}

int main(void) {
  host_store host;
  omemo_store *store = NULL;
  omemo_options options;
  pthread_t threads[SENDERS + 4];
  int numbers[SENDERS], i;
  size_t j;
  host_open(&host, &store);
  options_init(&options);
  user_open(&users[0], &world, store, "juliet@capulet.example", &options);
  user_open(&users[1], &world, store, "romeo@montague.example", &options);
  omemo_store_unref(store);
  user_connect(&users[0]);
  user_connect(&users[1]);
  user_say(&users[0], users[1].jid, "first");
  settle(users, 2);
  for (i = 0; i < SENDERS; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&threads[i], NULL, send_some, &numbers[i]) == 0);
  }
  CHECK(pthread_create(&threads[SENDERS], NULL, take_some, NULL) == 0);
  CHECK(pthread_create(&threads[SENDERS + 1], NULL, take_some, NULL) == 0);
  CHECK(pthread_create(&threads[SENDERS + 2], NULL, ask_some, NULL) == 0);
  CHECK(pthread_create(&threads[SENDERS + 3], NULL, decide_some, NULL) == 0);
  for (i = 0; i < SENDERS + 4; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  /* Each was encrypted with a key of its own: all of them can be read, in any order. */
  CHECK(sent_count == SENDERS * MESSAGES);
  users[1].delivered = 0;
  for (j = sent_count; j-- > 0;) {
    char *stanza = server_text(strlen(sent[j]) + 64);
    sprintf(stanza, "<message from='%s/phone'%s", users[0].jid, sent[j] + strlen("<message"));
    CHECK(user_receive(&users[1], stanza) == OMEMO_DISPOSITION_CONSUMED);
    free(stanza);
    free(sent[j]);
  }
  CHECK(users[1].delivered == SENDERS * MESSAGES && users[1].undecryptable == 0);
  user_close(&users[0]);
  user_close(&users[1]);
  CHECK(host.destroyed == 1);
  server_free(&world);
  return 0;
}
