/* The client: conversations, and every function with what it refuses. */
#include "test.h"

static server world;
static user users[2];
#define JULIET (&users[0])
#define ROMEO (&users[1])

static void two_connect(void) {
  omemo_store *store = NULL;
  omemo_options options;
  memset(&world, 0, sizeof world);
  options_init(&options);
  OK(omemo_store_open_memory(&store, &error));
  /* One store for both accounts. */
  user_open(JULIET, &world, store, "juliet@capulet.example", &options);
  user_open(ROMEO, &world, store, "romeo@montague.example/garden", &options);
  ROMEO->jid = "romeo@montague.example";
  world.users[1] = ROMEO->jid;
  omemo_store_unref(store);
  user_connect(JULIET);
  user_connect(ROMEO);
  settle(users, 2);
}

static void two_leave(void) {
  user_close(JULIET);
  user_close(ROMEO);
  server_free(&world);
}

static void a_message_is_read_and_acknowledged(void) {
  uint64_t ticket;
  ticket = user_say(JULIET, ROMEO->jid, "Wherefore art thou?");
  settle(users, 2);
  CHECK(JULIET->encrypted == 1 && JULIET->ticket == ticket);
  CHECK(strstr(world.last, "Wherefore") == NULL);
  CHECK(ROMEO->delivered == 1 && strstr(ROMEO->text, "<body>Wherefore art thou?</body>") != NULL);
  CHECK(strcmp(ROMEO->sender, JULIET->jid) == 0 && ROMEO->origin == OMEMO_ORIGIN_DIRECT);
  user_say(ROMEO, JULIET->jid, "Call me but love");
  settle(users, 2);
  CHECK(JULIET->delivered == 1 && strstr(JULIET->text, "Call me but love") != NULL);
  FAILS(OMEMO_ERROR_NULL, omemo_client_acknowledge(NULL, &ROMEO->id, 1, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_acknowledge(ROMEO->client, NULL, 1, &error));
  OK(omemo_client_acknowledge(ROMEO->client, NULL, 0, &error));
}

static void what_was_not_acknowledged_comes_again(void) {
  omemo_store *store = NULL;
  omemo_options options;
  omemo_message_id first;
  user mercutio;
  options_init(&options);
  OK(omemo_store_open_memory(&store, &error));
  user_open(&mercutio, &world, store, "mercutio@verona.example", &options);
  user_connect(&mercutio);
  mercutio.acknowledges = 0;
  user_say(JULIET, mercutio.jid, "once");
  user_act(JULIET);
  settle(&mercutio, 1);
  CHECK(mercutio.delivered == 1);
  first = mercutio.id;
  user_close(&mercutio);
  world.user_count--;
  user_open(&mercutio, &world, store, "mercutio@verona.example", &options);
  user_act(&mercutio);
  CHECK(mercutio.delivered == 1 && memcmp(&first, &mercutio.id, sizeof first) == 0);
  CHECK(strstr(mercutio.text, "once") != NULL);
  user_close(&mercutio);
  world.user_count--;
  user_open(&mercutio, &world, store, "mercutio@verona.example", &options);
  user_act(&mercutio);
  CHECK(mercutio.delivered == 0);
  user_close(&mercutio);
  world.user_count--;
  omemo_store_unref(store);
}

static void others_can_find_us(void) {
  uint8_t is_published = 7;
  OK(omemo_client_is_published(JULIET->client, &is_published, &error));
  CHECK(is_published == 1);
  OK(omemo_client_disconnected(JULIET->client, &error));
  OK(omemo_client_is_published(JULIET->client, &is_published, &error));
  CHECK(is_published == 0);
  OK(omemo_client_connected(JULIET->client, NOW, &error));
  OK(omemo_client_is_published(JULIET->client, &is_published, &error));
  CHECK(is_published == 0);
  settle(users, 2);
  OK(omemo_client_is_published(JULIET->client, &is_published, &error));
  CHECK(is_published == 1);
  FAILS(OMEMO_ERROR_NULL, omemo_client_is_published(NULL, &is_published, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_is_published(JULIET->client, NULL, &error));
}

static void an_answer_says_what_it_answers(void) {
  omemo_action *action = NULL;
  uint64_t request = 77;
  user_act(JULIET);
  OK(omemo_client_connected(JULIET->client, NOW, &error));
  OK(omemo_client_next_action(JULIET->client, &action, &error));
  CHECK(omemo_action_kind(action) == OMEMO_ACTION_REQUEST);
  OK(omemo_request_parse_id(omemo_action_request(action)->iq_id, &request, &error));
  CHECK(request == omemo_action_request(action)->id);
  omemo_action_free(action);
  request = 77;
  FAILS(OMEMO_ERROR_VALUE, omemo_request_parse_id("roster1", &request, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_request_parse_id("omemo-+00000000000000f", &request, &error));
  FAILS(OMEMO_ERROR_UTF8, omemo_request_parse_id("\xff", &request, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_request_parse_id(NULL, &request, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_request_parse_id("roster1", NULL, &error));
  CHECK(request == 77);
  user_connect(JULIET);
  settle(users, 2);
}

static void what_does_not_concern_us(void) {
  CHECK(user_receive(JULIET, "<message from='a@b.example'><body>hello</body></message>") == OMEMO_DISPOSITION_NOT_OURS);
  CHECK(JULIET->undecryptable == 0);
}

static void what_cannot_be_read_is_told(void) {
  static const char *const insides[] = {
      "<header sid='12'><iv>AAAAAAAAAAAAAAAA</iv></header>",                                     /* not for this device */
      "",                                                                                        /* no header */
      "<header sid='12'><key rid='%u'>MwohBQ==</key><iv>AAAAAAAAAAAAAAAA</iv></header>"         /* a key that is none */
  };
  static const uint32_t reasons[] = {OMEMO_UNDECRYPTABLE_NOT_FOR_THIS_DEVICE, OMEMO_UNDECRYPTABLE_STANZA, OMEMO_UNDECRYPTABLE_KEY};
  uint32_t device = 0;
  int i;
  OK(omemo_account_device(JULIET->account, &device, &error));
  for (i = 0; i < 3; i++) {
    char key[256];
    char stanza[640];
    snprintf(key, sizeof key, insides[i], (unsigned)device);
    snprintf(stanza, sizeof stanza,
             "<message from='romeo@montague.example/x' id='9'><encrypted xmlns='eu.siacs.conversations.axolotl'>%s"
             "<payload>AAAA</payload></encrypted></message>",
             key);
    JULIET->sender[0] = '\0';
    CHECK(user_receive(JULIET, stanza) == OMEMO_DISPOSITION_CONSUMED);
    CHECK(JULIET->undecryptable == i + 1 && JULIET->reason == reasons[i]);
    CHECK(strcmp(JULIET->sender, "romeo@montague.example") == 0);
  }
}

static void receive_refuses(void) {
  uint32_t disposition = 77;
  const char *xml = "<message/>";
  FAILS(OMEMO_ERROR_NULL, omemo_client_receive(NULL, xml, 10, NOW, &disposition, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_receive(JULIET->client, NULL, 10, NOW, &disposition, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_receive(JULIET->client, xml, 10, NOW, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_client_receive(JULIET->client, xml, SIZE_MAX, NOW, &disposition, &error));
  FAILS(OMEMO_ERROR_UTF8, omemo_client_receive(JULIET->client, "\xc3\x28", 2, NOW, &disposition, &error));
  CHECK(disposition == 77);
  OK(omemo_client_receive(JULIET->client, xml, 0, NOW, &disposition, &error));
  CHECK(disposition == OMEMO_DISPOSITION_NOT_OURS);
}

static void encrypt_refuses(void) {
  const char *xml = "<message to='romeo@montague.example'><body>x</body></message>";
  const char *to = ROMEO->jid, *nobody = "@", *null = NULL;
  size_t n = strlen(xml);
  uint64_t ticket = 77;
  omemo_client *c = JULIET->client;
  FAILS(OMEMO_ERROR_NULL, omemo_client_encrypt(NULL, xml, n, &to, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_encrypt(c, NULL, n, &to, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_encrypt(c, xml, n, NULL, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_encrypt(c, xml, n, &null, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_encrypt(c, xml, n, &to, 1, NOW, NULL, &error));
  FAILS(OMEMO_ERROR_JID, omemo_client_encrypt(c, xml, n, &nobody, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_client_encrypt(c, xml, n, &to, SIZE_MAX, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_client_encrypt(c, xml, SIZE_MAX, &to, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_STANZA, omemo_client_encrypt(c, xml, n - 1, &to, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_STANZA_ADDRESS, omemo_client_encrypt(c, "<message><body/></message>", 26, &to, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_STANZA_EMPTY, omemo_client_encrypt(c, "<message to='a@b'/>", 19, &to, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_encrypt_now(NULL, xml, n, &to, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_encrypt_now(c, NULL, n, &to, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_encrypt_now(c, xml, n, NULL, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_encrypt_now(c, xml, n, &to, 1, NOW, NULL, &error));
  FAILS(OMEMO_ERROR_STANZA, omemo_client_encrypt_now(c, xml, n - 1, &to, 1, NOW, &ticket, &error));
  CHECK(ticket == 77);
}

static void who_has_no_device_is_refused(void) {
  const char *xml = "<message to='nobody@verona.example'><body>x</body></message>", *to = "nobody@verona.example";
  uint64_t ticket = 0;
  JULIET->refused = 0;
  OK(omemo_client_encrypt_now(JULIET->client, xml, strlen(xml), &to, 1, NOW, &ticket, &error));
  user_act(JULIET);
  CHECK(JULIET->refused == 1 && JULIET->ticket == ticket && JULIET->reason == OMEMO_REFUSAL_NO_DEVICES);
}

/* Romeo does not trust anybody by himself. */
static void the_user_is_asked(void) {
  omemo_store *store = NULL;
  omemo_options options;
  omemo_keys *keys = NULL;
  omemo_fingerprint fingerprint;
  user paris;
  uint64_t ticket;
  options_init(&options);
  options.trust = OMEMO_TRUST_POLICY_MANUAL;
  OK(omemo_store_open_memory(&store, &error));
  user_open(&paris, &world, store, "paris@verona.example", &options);
  omemo_store_unref(store);
  user_connect(&paris);
  ticket = user_say(&paris, JULIET->jid, "Younger than she");
  user_act(&paris);
  CHECK(paris.asked == 1 && paris.ticket == ticket && paris.encrypted == 0);
  OK(omemo_client_send_anyway(paris.client, ticket, NOW, &error));
  user_act(&paris);
  CHECK(paris.refused == 1 && paris.reason == OMEMO_REFUSAL_NOBODY_REACHED);
  ticket = user_say(&paris, JULIET->jid, "Once more");
  user_act(&paris);
  CHECK(paris.asked == 2);
  OK(omemo_client_cancel(paris.client, ticket, &error));
  ticket = user_say(&paris, JULIET->jid, "And again");
  user_act(&paris);
  OK(omemo_account_keys(paris.account, JULIET->jid, &keys, &error));
  CHECK(omemo_keys_count(keys) == 1 && omemo_keys_get(keys, 0)->trust == OMEMO_TRUST_UNDECIDED);
  fingerprint = omemo_keys_get(keys, 0)->fingerprint;
  omemo_keys_free(keys);
  FAILS(OMEMO_ERROR_VALUE, omemo_client_decide(paris.client, JULIET->jid, &fingerprint, 0, NOW, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_client_decide(paris.client, JULIET->jid, &fingerprint, 5, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_decide(NULL, JULIET->jid, &fingerprint, OMEMO_TRUST_BLIND, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_decide(paris.client, NULL, &fingerprint, OMEMO_TRUST_BLIND, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_decide(paris.client, JULIET->jid, NULL, OMEMO_TRUST_BLIND, NOW, &error));
  OK(omemo_client_decide(paris.client, JULIET->jid, &fingerprint, OMEMO_TRUST_VERIFIED, NOW, &error));
  user_act(&paris);
  CHECK(paris.encrypted == 1 && paris.ticket == ticket);
  FAILS(OMEMO_ERROR_NULL, omemo_client_send_anyway(NULL, ticket, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_cancel(NULL, ticket, &error));
  settle(users, 2);
  CHECK(strcmp(JULIET->sender, "paris@verona.example") == 0);
  user_close(&paris);
  world.user_count--;
}

static int custom_calls;
static uint32_t trust_as_said(void *user_data, const omemo_new_key *key) {
  uint32_t device = 77;
  custom_calls++;
  CHECK(user_data == UNTOUCHED && key->jid != NULL && key->device != 0);
  /* A callback must not come back. */
  CHECK(omemo_account_device(JULIET->account, &device, NULL) == OMEMO_ERROR_REENTERED && device == 77);
  return OMEMO_TRUST_BLIND;
}

static void a_policy_of_ones_own(void) {
  omemo_store *store = NULL;
  omemo_options options;
  user tybalt;
  options_init(&options);
  options.trust = OMEMO_TRUST_POLICY_CUSTOM;
  OK(omemo_store_open_memory(&store, &error));
  {
    omemo_client *client = (omemo_client *)UNTOUCHED;
    FAILS(OMEMO_ERROR_NULL, omemo_client_open(store, "t@b.example", &options, NOW, &client, &error));
    CHECK(client == (omemo_client *)UNTOUCHED);
  }
  options.decide_trust = trust_as_said;
  options.decide_trust_data = UNTOUCHED;
  user_open(&tybalt, &world, store, "tybalt@capulet.example", &options);
  omemo_store_unref(store);
  user_connect(&tybalt);
  user_say(&tybalt, ROMEO->jid, "Turn thee");
  user_act(&tybalt);
  CHECK(custom_calls > 0 && tybalt.encrypted == 1);
  settle(users, 2);
  user_close(&tybalt);
  world.user_count--;
}

static void open_refuses(void) {
  omemo_store *store = NULL;
  omemo_options options, good;
  omemo_client *client = (omemo_client *)UNTOUCHED;
  struct {
    omemo_options options;
    char more[16];
  } newer;
  OK(omemo_store_open_memory(&store, &error));
  options_init(&good);
  options = good;
  FAILS(OMEMO_ERROR_NULL, omemo_client_open(NULL, "a@b.example", &options, NOW, &client, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_open(store, NULL, &options, NOW, &client, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_open(store, "a@b.example", NULL, NOW, &client, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_open(store, "a@b.example", &options, NOW, NULL, &error));
  FAILS(OMEMO_ERROR_JID, omemo_client_open(store, "", &options, NOW, &client, &error));
  FAILS(OMEMO_ERROR_JID, omemo_client_open(store, "a b@c", &options, NOW, &client, &error));
  FAILS(OMEMO_ERROR_UTF8, omemo_client_open(store, "\xff@c", &options, NOW, &client, &error));
#define REFUSED(status, field, value)                                                                                  \
  do {                                                                                                                 \
    options = good;                                                                                                    \
    options.field = value;                                                                                             \
    FAILS(status, omemo_client_open(store, "a@b.example", &options, NOW, &client, &error));                            \
  } while (0)
  REFUSED(OMEMO_ERROR_STRUCT, struct_size, 0);
  REFUSED(OMEMO_ERROR_STRUCT, struct_size, 8);
  REFUSED(OMEMO_ERROR_STRUCT, struct_size, SIZE_MAX);
  REFUSED(OMEMO_ERROR_VALUE, trust, 0);
  REFUSED(OMEMO_ERROR_VALUE, trust, 5);
  REFUSED(OMEMO_ERROR_VALUE, trust_own, 77);
  REFUSED(OMEMO_ERROR_VALUE, versions, 5);
  REFUSED(OMEMO_ERROR_VALUE, gaps, 3);
  REFUSED(OMEMO_ERROR_VALUE, downgrades, 3);
  REFUSED(OMEMO_ERROR_VALUE, unprotected, 4);
  REFUSED(OMEMO_ERROR_VALUE, flags, 16);
  REFUSED(OMEMO_ERROR_VALUE, inbox_messages, UINT64_MAX);
  REFUSED(OMEMO_ERROR_NULL, incarnation_count, 1);
  REFUSED(OMEMO_ERROR_NULL, kept_beside_count, 1);
  {
    const char *names[2] = {"{jabber:x:oob}x", "x"};
    options = good;
    options.kept_beside = names;
    options.kept_beside_count = 2;
    FAILS(OMEMO_ERROR_VALUE, omemo_client_open(store, "a@b.example", &options, NOW, &client, &error));
    names[1] = NULL;
    FAILS(OMEMO_ERROR_NULL, omemo_client_open(store, "a@b.example", &options, NOW, &client, &error));
  }
  CHECK(client == (omemo_client *)UNTOUCHED);
  /* A newer header works as long as nothing new is used. */
  memset(&newer, 0, sizeof newer);
  newer.options = good;
  newer.options.struct_size = sizeof newer;
  newer.more[15] = 1;
  FAILS(OMEMO_ERROR_STRUCT, omemo_client_open(store, "a@b.example", &newer.options, NOW, &client, &error));
  newer.more[15] = 0;
  newer.options.versions = OMEMO_VERSION_POLICY_ONLY_LEGACY;
  newer.options.gaps = OMEMO_GAP_POLICY_REFUSE;
  newer.options.downgrades = OMEMO_DOWNGRADE_POLICY_SKIP;
  newer.options.unprotected = OMEMO_UNPROTECTED_SKIP;
  newer.options.silent_after = OMEMO_NEVER;
  newer.options.flags = OMEMO_OPTION_NO_INBOX | OMEMO_OPTION_LEAVE_OUT_UNDECIDED;
  OK(omemo_client_open(store, "a@b.example", &newer.options, NOW, &client, &error));
  {
    omemo_strings *features = NULL;
    OK(omemo_client_features(client, &features, &error));
    CHECK(omemo_strings_count(features) == 1);
    CHECK(strcmp(omemo_strings_get(features, 0), "eu.siacs.conversations.axolotl.devicelist+notify") == 0);
    CHECK(omemo_strings_get(features, 1) == NULL);
    omemo_strings_free(features);
    FAILS(OMEMO_ERROR_NULL, omemo_client_features(NULL, &features, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_client_features(client, NULL, &error));
  }
  CHECK(omemo_client_ref(client) == client);
  omemo_client_unref(client);
  omemo_client_unref(client);
  omemo_store_unref(store);
}

static int wakeups;
static void wake(void *user_data) {
  omemo_action *action = (omemo_action *)UNTOUCHED;
  CHECK(user_data == UNTOUCHED);
  wakeups++;
  CHECK(omemo_client_next_action(JULIET->client, &action, NULL) == OMEMO_ERROR_REENTERED);
  CHECK(action == (omemo_action *)UNTOUCHED);
}

static int lines;
static void keep_log(void *user_data, uint32_t level, const char *line) {
  CHECK(user_data == NULL && (level == OMEMO_LOG_DEBUG || level == OMEMO_LOG_WARNING));
  CHECK(strstr(line, "hallow") == NULL && strstr(line, "montague") == NULL);
  lines++;
}

static void who_waits_is_woken_once(void) {
  omemo_action *action = NULL;
  settle(users, 2);
  OK(omemo_client_set_wakeup(JULIET->client, wake, UNTOUCHED, &error));
  OK(omemo_client_set_log(JULIET->client, keep_log, NULL, &error));
  CHECK(wakeups == 0);
  user_say(JULIET, ROMEO->jid, "hallow'd");
  user_say(JULIET, ROMEO->jid, "hallow'd be");
  CHECK(wakeups == 1);
  user_act(JULIET);
  user_say(JULIET, ROMEO->jid, "hallow'd be thy");
  CHECK(wakeups == 2);
  OK(omemo_client_set_wakeup(JULIET->client, NULL, NULL, &error));
  /* There are some: at once. */
  OK(omemo_client_set_wakeup(JULIET->client, wake, UNTOUCHED, &error));
  CHECK(wakeups == 3);
  settle(users, 2);
  CHECK(lines > 5);
  OK(omemo_client_set_wakeup(JULIET->client, NULL, NULL, &error));
  OK(omemo_client_set_log(JULIET->client, NULL, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_wakeup(NULL, wake, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_log(NULL, keep_log, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_next_action(NULL, &action, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_next_action(JULIET->client, NULL, &error));
}

/* Keys are learnt before there is something to send; nothing goes to whom they belong. */
static void keys_are_learnt_before_a_message(void) {
  omemo_store *store = NULL;
  omemo_options options;
  omemo_keys *keys = NULL;
  omemo_fingerprint fingerprint;
  user paris;
  uint64_t ticket = 0;
  options_init(&options);
  options.trust = OMEMO_TRUST_POLICY_MANUAL;
  options.patience_ms = 1000;
  options.rooms = OMEMO_ROOM_POLICY_REFUSE;
  options.stanza_limit = SIZE_MAX;
  OK(omemo_store_open_memory(&store, &error));
  user_open(&paris, &world, store, "county@verona.example", &options);
  omemo_store_unref(store);
  user_connect(&paris);
  OK(omemo_client_prepare(paris.client, &JULIET->jid, 1, NOW, &ticket, &error));
  user_act(&paris);
  CHECK(paris.prepared == 1 && paris.ticket == ticket && paris.asked == 1 && paris.encrypted == 0);
  OK(omemo_account_keys(paris.account, JULIET->jid, &keys, &error));
  CHECK(omemo_keys_count(keys) == 1);
  fingerprint = omemo_keys_get(keys, 0)->fingerprint;
  omemo_keys_free(keys);
  /* A key that the device does not show in the place of another is not accepted: nothing changes. */
  OK(omemo_client_accept_identity(paris.client, JULIET->jid, 1, &fingerprint, NOW, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_client_accept_identity(paris.client, JULIET->jid, 0, &fingerprint, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_accept_identity(NULL, JULIET->jid, 1, &fingerprint, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_accept_identity(paris.client, NULL, 1, &fingerprint, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_accept_identity(paris.client, JULIET->jid, 1, NULL, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_prepare(NULL, &JULIET->jid, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_prepare(paris.client, NULL, 1, NOW, &ticket, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_prepare(paris.client, &JULIET->jid, 1, NOW, NULL, &error));
  FAILS(OMEMO_ERROR_STANZA_ADDRESS, omemo_client_prepare(paris.client, NULL, 0, NOW, &ticket, &error));
  OK(omemo_client_set_stanza_limit(paris.client, 1, &error));
  OK(omemo_client_decide(paris.client, JULIET->jid, &fingerprint, OMEMO_TRUST_BLIND, NOW, &error));
  user_say(&paris, JULIET->jid, "Too long");
  user_act(&paris);
  CHECK(paris.refused == 1 && paris.reason == OMEMO_REFUSAL_TOO_LARGE);
  OK(omemo_client_set_stanza_limit(paris.client, 0, &error));
  user_say(&paris, JULIET->jid, "Short enough");
  user_act(&paris);
  CHECK(paris.encrypted == 1 && paris.left_out == 0);
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_stanza_limit(NULL, 0, &error));
  settle(users, 2);
  user_close(&paris);
  world.user_count--;
}

/* One member has no device: he is left out, and named. A room that nobody has told of is not written to. */
static void a_member_without_keys(void) {
  const char *room = "orchard@rooms.example";
  const char *members[] = {"juliet@capulet.example", "romeo@montague.example", "nobody@verona.example"};
  const char *xml = "<message to='orchard@rooms.example' type='groupchat'><body>Peace</body></message>";
  omemo_client *c = JULIET->client;
  uint64_t ticket = 0;
  int before = JULIET->encrypted;
  FAILS(OMEMO_ERROR_STANZA_ADDRESS, omemo_client_encrypt(c, xml, strlen(xml), &room, 1, NOW, &ticket, &error));
  OK(omemo_client_set_room(c, room, members, 3, NULL, 0, NOW, &error));
  OK(omemo_client_encrypt(c, xml, strlen(xml), &room, 1, NOW, &ticket, &error));
  user_act(JULIET);
  CHECK(JULIET->encrypted == before + 1 && JULIET->ticket == ticket && JULIET->left_out == 1);
  free(server_next(&world, room));
  OK(omemo_client_leave_room(c, room, &error));
  CHECK(omemo_action_left_out_count(NULL) == 0 && omemo_action_left_out(NULL, 0) == NULL);
  CHECK(omemo_action_lost_element_count(NULL) == 0 && omemo_action_lost_element(NULL, 0) == NULL);
  CHECK(omemo_action_changed_identity_count(NULL) == 0 && omemo_action_changed_identity(NULL, 0) == NULL);
}

static void a_room(void) {
  const char *room = "balcony@rooms.example", *members[] = {"juliet@capulet.example", "romeo@montague.example"};
  omemo_occupant occupants[] = {{"J", "juliet@capulet.example/phone"}, {"R", "romeo@montague.example"}};
  const char *xml = "<message to='balcony@rooms.example' type='groupchat' id='r'><body>Peace</body></message>";
  omemo_client *c = JULIET->client;
  uint64_t ticket = 0;
  char *stanza, *from_room;
  OK(omemo_client_set_room(c, room, members, 2, occupants, 2, NOW, &error));
  OK(omemo_client_set_room(ROMEO->client, room, members, 2, occupants, 2, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_room(NULL, room, members, 2, occupants, 2, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_room(c, NULL, members, 2, occupants, 2, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_room(c, room, NULL, 2, occupants, 2, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_room(c, room, members, 2, NULL, 2, NOW, &error));
  occupants[1].nick = NULL;
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_room(c, room, members, 2, occupants, 2, NOW, &error));
  OK(omemo_client_encrypt(c, xml, strlen(xml), &room, 1, NOW, &ticket, &error));
  user_act(JULIET);
  stanza = server_next(&world, room);
  CHECK(stanza != NULL);
  from_room = server_text(strlen(stanza) + 64);
  sprintf(from_room, "<message from='%s/J'%s", room, strstr(stanza, " to='"));
  ROMEO->text[0] = 0;
  user_receive(ROMEO, from_room);
  CHECK(strstr(ROMEO->text, "Peace") != NULL && strcmp(ROMEO->sender, "juliet@capulet.example") == 0);
  CHECK(user_receive(JULIET, from_room) == OMEMO_DISPOSITION_OWN_REFLECTION);
  free(stanza);
  free(from_room);
  OK(omemo_client_leave_room(c, room, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_leave_room(NULL, room, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_leave_room(c, NULL, &error));
}

static void a_room_that_is_not_known_yet(void) {
  const char *room = "orchard@rooms.example", *members[] = {"juliet@capulet.example", "romeo@montague.example"};
  const char *xml = "<message to='orchard@rooms.example' type='groupchat' id='r'><body>By yonder moon</body></message>";
  size_t waiting = 77;
  uint64_t ticket = 0;
  char *stanza, *from_room;
  OK(omemo_client_set_room(ROMEO->client, room, members, 2, NULL, 0, NOW, &error));
  OK(omemo_client_encrypt(ROMEO->client, xml, strlen(xml), &room, 1, NOW, &ticket, &error));
  user_act(ROMEO);
  stanza = server_next(&world, room);
  CHECK(stanza != NULL);
  from_room = server_text(strlen(stanza) + 64);
  sprintf(from_room, "<message from='%s/R'%s", room, strstr(stanza, " to='"));
  JULIET->text[0] = 0;
  CHECK(user_receive(JULIET, from_room) == OMEMO_DISPOSITION_PENDING);
  CHECK(strcmp(JULIET->room, room) == 0 && JULIET->text[0] == 0);
  OK(omemo_client_unnamed(JULIET->client, &waiting, &error));
  CHECK(waiting == 1);
  OK(omemo_client_set_room(JULIET->client, room, members, 2, NULL, 0, NOW, &error));
  user_act(JULIET);
  CHECK(strstr(JULIET->text, "By yonder moon") != NULL && strcmp(JULIET->sender, "romeo@montague.example") == 0);
  OK(omemo_client_unnamed(JULIET->client, &waiting, &error));
  CHECK(waiting == 0);
  FAILS(OMEMO_ERROR_NULL, omemo_client_unnamed(NULL, &waiting, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_unnamed(JULIET->client, NULL, &error));
  OK(omemo_client_leave_room(JULIET->client, room, &error));
  OK(omemo_client_leave_room(ROMEO->client, room, &error));
  free(stanza);
  free(from_room);
}

static void what_stands_beside_a_legacy_message_is_told_apart(void) {
  const char *added = "<x xmlns='jabber:x:oob'><url>https://evil.example/</url></x>"
                      "<replace xmlns='urn:xmpp:message-correct:0' id='7'/>";
  char *stanza, *altered, *end;
  user_say(JULIET, ROMEO->jid, "beside");
  user_act(JULIET);
  stanza = server_next(&world, ROMEO->jid);
  CHECK(stanza != NULL && strstr(stanza, "eu.siacs.conversations.axolotl") != NULL);
  end = strstr(stanza, "</message>");
  CHECK(end != NULL);
  *end = 0;
  altered = server_text(strlen(stanza) + 256);
  sprintf(altered, "%s%s</message>", stanza, added);
  CHECK(user_receive(ROMEO, altered) == OMEMO_DISPOSITION_CONSUMED);
  user_act(ROMEO);
  CHECK(strstr(ROMEO->text, "beside") != NULL && strstr(ROMEO->text, "evil") == NULL);
  CHECK(strstr(ROMEO->text, "<replace") != NULL && ROMEO->mark == OMEMO_MARK_REPLACE);
  CHECK(strcmp(ROMEO->beside, "<x xmlns='jabber:x:oob'><url>https://evil.example/</url></x>") == 0);
  free(stanza);
  free(altered);
  settle(users, 2);
}

static void an_archive_is_read_in_pages(void) {
  char result[8192], *stanza;
  uint64_t catch_up = 0, scrolling = 0, query = 0, other = 0;
  omemo_action *action = NULL;
  const char *archive = NULL;
  omemo_client *c = ROMEO->client;
  user_say(JULIET, ROMEO->jid, "from the archive");
  user_act(JULIET);
  stanza = server_next(&world, ROMEO->jid);
  CHECK(stanza != NULL);
  snprintf(result, sizeof result,
           "<message from='romeo@montague.example'><result xmlns='urn:xmpp:mam:2' queryid='q1' id='1'>"
           "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2023-11-14T22:13:20Z'/>"
           "<message xmlns='jabber:client'%s</forwarded></result></message>",
           stanza + strlen("<message"));
  OK(omemo_client_begin_catch_up(c, OMEMO_ORDER_NEWEST_FIRST, NOW, &scrolling, &error));
  OK(omemo_client_begin_catch_up(c, OMEMO_ORDER_OLDEST_FIRST, NOW, &catch_up, &error));
  CHECK(catch_up != 0 && catch_up != scrolling);
  CHECK(user_receive(ROMEO, result) == OMEMO_DISPOSITION_UNEXPECTED);
  OK(omemo_client_expect_archive(c, catch_up, NULL, "q1", &query, &error));
  OK(omemo_client_expect_archive(c, scrolling, NULL, NULL, &other, &error));
  CHECK(query != other);
  CHECK(user_receive(ROMEO, result) == OMEMO_DISPOSITION_PENDING);
  OK(omemo_client_end_page(c, other, NOW, &error));
  user_act(ROMEO);
  CHECK(strstr(ROMEO->text, "from the archive") == NULL);
  OK(omemo_client_end_page(c, query, NOW, &error));
  user_act(ROMEO);
  CHECK(strstr(ROMEO->text, "from the archive") != NULL && ROMEO->origin == OMEMO_ORIGIN_ARCHIVE);
  /* Once more: its place in the archive is told. */
  CHECK(user_receive(ROMEO, result) == OMEMO_DISPOSITION_PENDING);
  OK(omemo_client_end_page(c, query, NOW, &error));
  do {
    omemo_action_free(action);
    OK(omemo_client_next_action(c, &action, &error));
  } while (action != NULL && omemo_action_kind(action) != OMEMO_ACTION_ARCHIVED);
  CHECK(action != NULL && omemo_action_message_id(action) != NULL && omemo_action_stanza(action, NULL) == NULL);
  CHECK(strcmp(omemo_action_archive_id(action, &archive), "1") == 0 && strcmp(archive, ROMEO->jid) == 0);
  omemo_action_free(action);
  OK(omemo_client_end_catch_up(c, catch_up, NOW, &error));
  CHECK(user_receive(ROMEO, result) == OMEMO_DISPOSITION_UNEXPECTED);
  OK(omemo_client_maintain(c, NOW, &error));
  OK(omemo_client_end_catch_up(c, scrolling, NOW, &error));
  OK(omemo_client_end_catch_up(c, scrolling, NOW, &error));
  free(stanza);
  settle(users, 2);
  FAILS(OMEMO_ERROR_VALUE, omemo_client_begin_catch_up(c, 0, NOW, &catch_up, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_client_begin_catch_up(c, 3, NOW, &catch_up, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_begin_catch_up(NULL, OMEMO_ORDER_NEWEST_FIRST, NOW, &catch_up, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_begin_catch_up(c, OMEMO_ORDER_NEWEST_FIRST, NOW, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_expect_archive(NULL, 1, NULL, "q1", &query, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_expect_archive(c, 1, NULL, "q1", NULL, &error));
  FAILS(OMEMO_ERROR_JID, omemo_client_expect_archive(c, 1, "", "q1", &query, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_end_page(NULL, query, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_end_catch_up(NULL, catch_up, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_maintain(NULL, NOW, &error));
}

static void the_stream_goes_and_comes(void) {
  OK(omemo_client_disconnected(JULIET->client, &error));
  JULIET->encrypted = 0;
  user_say(JULIET, ROMEO->jid, "while away");
  user_act(JULIET);
  CHECK(JULIET->encrypted == 0);
  user_connect(JULIET);
  CHECK(JULIET->encrypted == 1);
  settle(users, 2);
  FAILS(OMEMO_ERROR_NULL, omemo_client_connected(NULL, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_disconnected(NULL, &error));
}

static void contacts_and_time(void) {
  OK(omemo_client_set_contact(JULIET->client, "nurse@capulet.example", 1, 1, NOW, &error));
  {
    uint8_t accepted = 7;
    OK(omemo_account_is_accepted(JULIET->account, "nurse@capulet.example", &accepted, &error));
    CHECK(accepted == 1);
  }
  OK(omemo_client_set_contact(JULIET->client, "nurse@capulet.example", 0, 0, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_contact(NULL, ROMEO->jid, 1, 1, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_contact(JULIET->client, NULL, 1, 1, NOW, &error));
  {
    omemo_strings *blocked = NULL;
    OK(omemo_client_set_blocked(JULIET->client, "Verona.example", 7, NOW, &error));
    OK(omemo_account_blocked(JULIET->account, &blocked, &error));
    CHECK(omemo_strings_count(blocked) == 1 && strcmp(omemo_strings_get(blocked, 0), "verona.example") == 0);
    omemo_strings_free(blocked);
    OK(omemo_client_set_blocked(JULIET->client, "verona.example", 0, NOW, &error));
    OK(omemo_account_blocked(JULIET->account, &blocked, &error));
    CHECK(omemo_strings_count(blocked) == 0);
    omemo_strings_free(blocked);
  }
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_blocked(NULL, ROMEO->jid, 1, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_blocked(JULIET->client, NULL, 1, NOW, &error));
  OK(omemo_client_acknowledge_evicted(JULIET->client, 1, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_acknowledge_evicted(NULL, 1, &error));
  OK(omemo_client_acknowledge_rollback(JULIET->client, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_acknowledge_rollback(NULL, &error));
  OK(omemo_client_reset(JULIET->client, ROMEO->jid, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_reset(NULL, ROMEO->jid, NOW, &error));
  FAILS(OMEMO_ERROR_JID, omemo_client_reset(JULIET->client, "", NOW, &error));
  /* Nobody answers: time goes on. */
  JULIET->answers = 0;
  user_say(JULIET, "apothecary@mantua.example", "poison");
  user_act(JULIET);
  CHECK(JULIET->wake_at > NOW);
  JULIET->refused = 0;
  OK(omemo_client_tick(JULIET->client, JULIET->wake_at, &error));
  user_act(JULIET);
  OK(omemo_client_tick(JULIET->client, NOW + 600000, &error));
  user_act(JULIET);
  CHECK(JULIET->refused == 1);
  JULIET->answers = 1;
  FAILS(OMEMO_ERROR_NULL, omemo_client_tick(NULL, NOW, &error));
  OK(omemo_client_answer(JULIET->client, 12345, NULL, 0, NOW, &error));
  OK(omemo_client_answer(JULIET->client, 12345, "nonsense", 8, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_answer(NULL, 12345, NULL, 0, NOW, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_client_answer(JULIET->client, 12345, "x", SIZE_MAX, NOW, &error));
}

static int is_published(void) {
  uint8_t answer = 7;
  OK(omemo_client_is_published(JULIET->client, &answer, &error));
  return answer;
}

static void our_own_lists_change(void) {
  const uint32_t gone = 12345, nobody = 0;
  CHECK(is_published() == 1);
  OK(omemo_client_set_label(JULIET->client, "balcony", NOW, &error));
  CHECK(is_published() == 0);
  settle(users, 2);
  CHECK(is_published() == 1);
  OK(omemo_client_set_label(JULIET->client, NULL, NOW, &error));
  settle(users, 2);
  FAILS(OMEMO_ERROR_ACCOUNT_LABEL, omemo_client_set_label(JULIET->client, "12345678901234567890123456789012", NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_set_label(NULL, "balcony", NOW, &error));
  OK(omemo_client_remove_own_devices(JULIET->client, &gone, 1, NOW, &error));
  CHECK(is_published() == 0);
  settle(users, 2);
  CHECK(is_published() == 1);
  FAILS(OMEMO_ERROR_VALUE, omemo_client_remove_own_devices(JULIET->client, &nobody, 1, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_remove_own_devices(JULIET->client, NULL, 1, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_remove_own_devices(NULL, &gone, 1, NOW, &error));
}

static void a_device_is_switched_off(void) {
  FAILS(OMEMO_ERROR_NULL, omemo_client_switch_off(NULL, NOW, &error));
  ROMEO->notices = 0;
  OK(omemo_client_switch_off(ROMEO->client, NOW, &error));
  settle(users, 2);
  CHECK(ROMEO->notices > 0 && ROMEO->reason == OMEMO_NOTICE_SWITCHED_OFF);
}

static void the_account_of_a_client(void) {
  omemo_account *account = (omemo_account *)UNTOUCHED;
  FAILS(OMEMO_ERROR_NULL, omemo_client_account(NULL, &account, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_client_account(JULIET->client, NULL, &error));
  CHECK(account == (omemo_account *)UNTOUCHED);
}

int main(void) {
  two_connect();
  a_message_is_read_and_acknowledged();
  what_was_not_acknowledged_comes_again();
  others_can_find_us();
  an_answer_says_what_it_answers();
  what_does_not_concern_us();
  what_cannot_be_read_is_told();
  receive_refuses();
  encrypt_refuses();
  who_has_no_device_is_refused();
  the_user_is_asked();
  a_policy_of_ones_own();
  open_refuses();
  who_waits_is_woken_once();
  keys_are_learnt_before_a_message();
  a_room();
  a_member_without_keys();
  a_room_that_is_not_known_yet();
  what_stands_beside_a_legacy_message_is_told_apart();
  an_archive_is_read_in_pages();
  the_stream_goes_and_comes();
  contacts_and_time();
  the_account_of_a_client();
  our_own_lists_change();
  a_device_is_switched_off();
  two_leave();
  return 0;
}
