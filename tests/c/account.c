/* Accounts: what can be asked, and what only the user decides. */
#include "test.h"

static server world;
static user users[2];
static omemo_store *store;
#define JULIET (&users[0])
#define ROMEO (&users[1])
#define A (users[0].account)

static void open_refuses(void) {
  omemo_options options;
  omemo_account *account = (omemo_account *)UNTOUCHED;
  uint32_t opening = 0;
  options_init(&options);
  FAILS(OMEMO_ERROR_NULL, omemo_account_open(NULL, "a@b.example", &options, NOW, &account, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_open(store, NULL, &options, NOW, &account, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_open(store, "a@b.example", NULL, NOW, &account, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_open(store, "a@b.example", &options, NOW, NULL, &error));
  CHECK(account == (omemo_account *)UNTOUCHED);
  OK(omemo_account_open(store, "a@b.example/r", &options, NOW, &account, &error));
  OK(omemo_account_opening(account, &opening, &error));
  CHECK(opening == OMEMO_OPENING_CREATED);
  CHECK(omemo_account_ref(account) == account);
  omemo_account_unref(account);
  omemo_account_unref(account);
  OK(omemo_account_open(store, "a@b.example", &options, NOW, &account, &error));
  OK(omemo_account_opening(account, &opening, &error));
  CHECK(opening == OMEMO_OPENING_FOUND);
  FAILS(OMEMO_ERROR_NULL, omemo_account_opening(NULL, &opening, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_opening(account, NULL, &error));
  OK(omemo_account_remove(account, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_remove(NULL, &error));
  {
    omemo_strings *contacts = NULL;
    FAILS(OMEMO_ERROR_ACCOUNT_GONE, omemo_account_contacts(account, &contacts, &error));
  }
  omemo_account_unref(account);
}

static void who_it_is(void) {
  char *jid = NULL;
  uint32_t device = 0;
  uint64_t created = 0;
  omemo_fingerprint fingerprint;
  OK(omemo_account_jid(A, &jid, &error));
  CHECK(strcmp(jid, JULIET->jid) == 0);
  omemo_string_free(jid);
  OK(omemo_account_device(A, &device, &error));
  CHECK(device > 0 && device <= INT32_MAX);
  OK(omemo_account_created(A, &created, &error));
  CHECK(created == NOW);
  OK(omemo_account_fingerprint(A, &fingerprint, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_jid(NULL, &jid, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_jid(A, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_device(NULL, &device, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_device(A, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_created(NULL, &created, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_created(A, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_fingerprint(NULL, &fingerprint, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_fingerprint(A, NULL, &error));
}

static void keys_and_trust(void) {
  omemo_keys *keys = NULL;
  omemo_fingerprint theirs;
  const omemo_key *key;
  uint32_t trust = 0;
  OK(omemo_account_fingerprint(ROMEO->account, &theirs, &error));
  OK(omemo_account_keys(A, ROMEO->jid, &keys, &error));
  CHECK(omemo_keys_count(keys) == 1 && omemo_keys_get(keys, 1) == NULL);
  key = omemo_keys_get(keys, 0);
  CHECK(memcmp(&key->fingerprint, &theirs, sizeof theirs) == 0);
  CHECK(key->trust == OMEMO_TRUST_BLIND && key->first_seen_ms == NOW && key->decided_ms == 0);
  omemo_keys_free(keys);
  OK(omemo_account_set_trust(A, ROMEO->jid, &theirs, OMEMO_TRUST_DISTRUSTED, NOW + 1, &error));
  OK(omemo_account_trust(A, ROMEO->jid, &theirs, &trust, &error));
  CHECK(trust == OMEMO_TRUST_DISTRUSTED);
  JULIET->refused = 0;
  user_say(JULIET, ROMEO->jid, "no");
  user_act(JULIET);
  CHECK(JULIET->refused == 1 && JULIET->reason == OMEMO_REFUSAL_NOBODY_REACHED);
  OK(omemo_account_set_trust(A, ROMEO->jid, &theirs, OMEMO_TRUST_VERIFIED, NOW + 2, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_keys(NULL, ROMEO->jid, &keys, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_keys(A, NULL, &keys, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_keys(A, ROMEO->jid, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_trust(NULL, ROMEO->jid, &theirs, &trust, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_trust(A, ROMEO->jid, NULL, &trust, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_trust(A, ROMEO->jid, &theirs, NULL, &error));
  FAILS(OMEMO_ERROR_JID, omemo_account_trust(A, "", &theirs, &trust, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_set_trust(A, ROMEO->jid, &theirs, 0, NOW, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_set_trust(A, ROMEO->jid, &theirs, 5, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_set_trust(NULL, ROMEO->jid, &theirs, OMEMO_TRUST_BLIND, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_set_trust(A, ROMEO->jid, NULL, OMEMO_TRUST_BLIND, NOW, &error));
}

static void devices(void) {
  omemo_devices *devices = NULL;
  const omemo_device *device;
  uint32_t theirs = 0, nobody = 0;
  OK(omemo_account_device(ROMEO->account, &theirs, &error));
  OK(omemo_account_devices(A, ROMEO->jid, &devices, &error));
  CHECK(omemo_devices_count(devices) == 1 && omemo_devices_get(devices, 1) == NULL);
  device = omemo_devices_get(devices, 0);
  CHECK(device->id == theirs && device->has_fingerprint == 1 && device->heard_ms != 0);
  CHECK(device->legacy.is_listed == 1 && device->omemo2.is_listed == 1 && device->omemo2.label == NULL);
  CHECK(device->legacy.has_session + device->omemo2.has_session > 0 && device->omemo2.speaks == 0);
  omemo_devices_free(devices);
  OK(omemo_account_set_speaks(A, ROMEO->jid, theirs, OMEMO_PROTOCOL_OMEMO2, NOW, &error));
  OK(omemo_account_devices(A, ROMEO->jid, &devices, &error));
  CHECK(omemo_devices_get(devices, 0)->omemo2.speaks == 1);
  omemo_devices_free(devices);
  /* Now the newer version is written, and nothing of it is in clear. */
  user_say(JULIET, ROMEO->jid, "in OMEMO 2");
  settle(users, 2);
  CHECK(strstr(ROMEO->text, "in OMEMO 2") != NULL && strstr(world.last, "urn:xmpp:omemo:2") != NULL);
  FAILS(OMEMO_ERROR_NULL, omemo_account_devices(NULL, ROMEO->jid, &devices, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_devices(A, NULL, &devices, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_devices(A, ROMEO->jid, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_set_speaks(A, ROMEO->jid, theirs, 0, NOW, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_set_speaks(A, ROMEO->jid, 0, OMEMO_PROTOCOL_LEGACY, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_set_speaks(NULL, ROMEO->jid, 1, OMEMO_PROTOCOL_LEGACY, NOW, &error));
  theirs = 12345;
  OK(omemo_account_remove_own_devices(A, &theirs, 1, NOW, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_remove_own_devices(A, &nobody, 1, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_remove_own_devices(A, NULL, 1, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_remove_own_devices(NULL, &theirs, 1, NOW, &error));
  OK(omemo_account_forget_device(A, ROMEO->jid, 12345, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_forget_device(A, ROMEO->jid, 0, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_forget_device(NULL, ROMEO->jid, 1, &error));
  OK(omemo_account_set_label(A, "phone", &error));
  OK(omemo_account_set_label(A, NULL, &error));
  FAILS(OMEMO_ERROR_ACCOUNT_LABEL, omemo_account_set_label(A, "12345678901234567890123456789012", &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_set_label(NULL, "phone", &error));
}

static void conversations(void) {
  omemo_conversation *conversation = NULL;
  omemo_strings *contacts = NULL;
  uint8_t accepted = 7;
  OK(omemo_account_conversation(A, ROMEO->jid, &conversation, &error));
  CHECK(conversation->state == OMEMO_CONVERSATION_ENCRYPTED && conversation->since_ms == NOW);
  CHECK(conversation->reason == NULL);
  omemo_conversation_free(conversation);
  OK(omemo_account_conversation(A, "stranger@verona.example", &conversation, &error));
  CHECK(conversation->state == OMEMO_CONVERSATION_PLAIN);
  omemo_conversation_free(conversation);
  OK(omemo_account_opt_out(A, ROMEO->jid, 1, "no more", NOW + 5, &error));
  OK(omemo_account_conversation(A, ROMEO->jid, &conversation, &error));
  CHECK(conversation->state == OMEMO_CONVERSATION_OPTED_OUT && conversation->is_ours == 1);
  CHECK(strcmp(conversation->reason, "no more") == 0 && conversation->since_ms == NOW + 5);
  omemo_conversation_free(conversation);
  JULIET->refused = 0;
  user_say(JULIET, ROMEO->jid, "no");
  user_act(JULIET);
  CHECK(JULIET->refused == 1 && JULIET->reason == OMEMO_REFUSAL_OPTED_OUT);
  OK(omemo_account_opt_in(A, ROMEO->jid, NOW, &error));
  OK(omemo_account_contacts(A, &contacts, &error));
  CHECK(omemo_strings_count(contacts) >= 2);
  omemo_strings_free(contacts);
  OK(omemo_account_is_accepted(A, ROMEO->jid, &accepted, &error));
  CHECK(accepted == 1);
  FAILS(OMEMO_ERROR_NULL, omemo_account_conversation(NULL, ROMEO->jid, &conversation, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_conversation(A, NULL, &conversation, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_conversation(A, ROMEO->jid, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_opt_out(NULL, ROMEO->jid, 1, NULL, NOW, &error));
  FAILS(OMEMO_ERROR_UTF8, omemo_account_opt_out(A, ROMEO->jid, 1, "\xff", NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_opt_in(NULL, ROMEO->jid, NOW, &error));
  FAILS(OMEMO_ERROR_JID, omemo_account_opt_in(A, "", NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_contacts(NULL, &contacts, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_contacts(A, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_is_accepted(NULL, ROMEO->jid, &accepted, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_is_accepted(A, ROMEO->jid, NULL, &error));
  {
    omemo_strings *blocked = NULL;
    uint64_t count = 7;
    OK(omemo_account_set_blocked(A, ROMEO->jid, 1, &error));
    OK(omemo_account_set_blocked(A, ROMEO->jid, 0, &error));
    OK(omemo_account_evicted(A, &count, &error));
    CHECK(count == 0);
    OK(omemo_account_evictions_told(A, 1, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_set_blocked(NULL, ROMEO->jid, 1, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_set_blocked(A, NULL, 1, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_blocked(NULL, &blocked, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_blocked(A, NULL, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_evicted(NULL, &count, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_evicted(A, NULL, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_evictions_told(NULL, 1, &error));
  }
}

static void an_identity_is_carried(void) {
  omemo_store *elsewhere = NULL;
  omemo_options options;
  omemo_account *carried = (omemo_account *)UNTOUCHED;
  omemo_fingerprint ours, theirs;
  uint8_t *exported = NULL;
  size_t length = 0;
  options_init(&options);
  OK(omemo_store_open_memory(&elsewhere, &error));
  OK(omemo_account_export_identity(A, &exported, &length, &error));
  CHECK(length > 32);
  FAILS(OMEMO_ERROR_NULL, omemo_account_export_identity(NULL, &exported, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_export_identity(A, NULL, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_export_identity(A, &exported, NULL, &error));
#define IMPORT(to, jid, bytes, n) omemo_account_import_identity(to, jid, &options, bytes, n, NOW, &carried, &error)
  FAILS(OMEMO_ERROR_NULL, omemo_account_import_identity(NULL, JULIET->jid, &options, exported, length, NOW, &carried, &error));
  FAILS(OMEMO_ERROR_NULL, IMPORT(elsewhere, NULL, exported, length));
  FAILS(OMEMO_ERROR_NULL, IMPORT(elsewhere, JULIET->jid, NULL, length));
  FAILS(OMEMO_ERROR_ACCOUNT_RECORD, IMPORT(elsewhere, JULIET->jid, (const uint8_t *)"\1nonsense", 9));
  FAILS(OMEMO_ERROR_ACCOUNT_NEWER, IMPORT(elsewhere, JULIET->jid, (const uint8_t *)"\2nonsense", 9));
  FAILS(OMEMO_ERROR_ACCOUNT_GONE, IMPORT(store, JULIET->jid, exported, length));
  CHECK(carried == (omemo_account *)UNTOUCHED);
  OK(IMPORT(elsewhere, JULIET->jid, exported, length));
  omemo_bytes_free(exported);
  OK(omemo_account_fingerprint(A, &ours, &error));
  OK(omemo_account_fingerprint(carried, &theirs, &error));
  CHECK(memcmp(&ours, &theirs, sizeof ours) == 0);
  omemo_account_unref(carried);
  omemo_store_unref(elsewhere);
}

static void an_old_copy_is_noticed(void) {
  omemo_options options;
  omemo_account *account = NULL;
  omemo_incarnation kept, other;
  uint8_t is_due = 7;
  uint32_t opening = 0;
  memset(&other, 0, sizeof other);
  OK(omemo_account_is_incarnation_due(A, &is_due, &error));
  CHECK(is_due == 1);
  OK(omemo_account_next_incarnation(A, &kept, &error));
  OK(omemo_account_enter_incarnation(A, &kept, &error));
  OK(omemo_account_is_incarnation_due(A, &is_due, &error));
  CHECK(is_due == 0);
  options_init(&options);
  options.flags = OMEMO_OPTION_KEEPS_INCARNATIONS;
  options.incarnations = &kept;
  options.incarnation_count = 1;
  OK(omemo_account_open(store, JULIET->jid, &options, NOW, &account, &error));
  OK(omemo_account_opening(account, &opening, &error));
  CHECK(opening == OMEMO_OPENING_FOUND);
  omemo_account_unref(account);
  /* The flag is for those that have none yet. */
  options.flags = 0;
  options.incarnations = &other;
  OK(omemo_account_open(store, JULIET->jid, &options, NOW, &account, &error));
  OK(omemo_account_opening(account, &opening, &error));
  CHECK(opening == OMEMO_OPENING_ROLLED_BACK);
  omemo_account_unref(account);
  FAILS(OMEMO_ERROR_NULL, omemo_account_is_incarnation_due(NULL, &is_due, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_is_incarnation_due(A, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_next_incarnation(NULL, &kept, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_next_incarnation(A, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_enter_incarnation(NULL, &kept, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_enter_incarnation(A, NULL, &error));
}

static void sessions_are_forgotten(void) {
  omemo_devices *devices = NULL;
  OK(omemo_account_forget(A, ROMEO->jid, &error));
  OK(omemo_account_devices(A, ROMEO->jid, &devices, &error));
  CHECK(omemo_devices_count(devices) == 1);
  CHECK(omemo_devices_get(devices, 0)->legacy.sessions + omemo_devices_get(devices, 0)->omemo2.sessions == 0);
  omemo_devices_free(devices);
  FAILS(OMEMO_ERROR_NULL, omemo_account_forget(NULL, ROMEO->jid, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_forget(A, NULL, &error));
}

int main(void) {
  omemo_options options;
  options_init(&options);
  OK(omemo_store_open_memory(&store, &error));
  open_refuses();
  user_open(JULIET, &world, store, "juliet@capulet.example", &options);
  user_open(ROMEO, &world, store, "romeo@montague.example", &options);
  user_connect(JULIET);
  user_connect(ROMEO);
  user_say(JULIET, ROMEO->jid, "one");
  settle(users, 2);
  user_say(ROMEO, JULIET->jid, "two");
  settle(users, 2);
  who_it_is();
  devices();
  keys_and_trust();
  conversations();
  an_identity_is_carried();
  an_old_copy_is_noticed();
  sessions_are_forgotten();
  user_close(JULIET);
  user_close(ROMEO);
  omemo_store_unref(store);
  server_free(&world);
  return 0;
}
