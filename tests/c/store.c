/* Stores: in memory, in a file, sealed, and of the caller's own. */
#include "host_store.h"

#include <unistd.h>

#define STORE_UNTOUCHED ((omemo_store *)UNTOUCHED)

static char path[64];

/* Two write to each other; their accounts are in this store. */
static void converse(omemo_store *store) {
  static server world;
  omemo_options options;
  omemo_strings *accounts = NULL;
  user users[2];
  memset(&world, 0, sizeof world);
  options_init(&options);
  user_open(&users[0], &world, store, "juliet@capulet.example", &options);
  user_open(&users[1], &world, store, "romeo@montague.example", &options);
  user_connect(&users[0]);
  user_connect(&users[1]);
  user_say(&users[0], users[1].jid, "one");
  settle(users, 2);
  user_say(&users[1], users[0].jid, "two");
  settle(users, 2);
  CHECK(users[0].delivered == 1 && users[1].delivered == 1);
  OK(omemo_store_accounts(store, &accounts, &error));
  CHECK(omemo_strings_count(accounts) == 2);
  CHECK(strcmp(omemo_strings_get(accounts, 0), users[0].jid) == 0);
  omemo_strings_free(accounts);
  user_close(&users[0]);
  user_close(&users[1]);
  server_free(&world);
}

static void in_memory(void) {
  omemo_store *store = NULL;
  omemo_strings *accounts = (omemo_strings *)UNTOUCHED;
  FAILS(OMEMO_ERROR_NULL, omemo_store_open_memory(NULL, &error));
  OK(omemo_store_open_memory(&store, &error));
  CHECK(omemo_store_ref(store) == store);
  omemo_store_unref(store);
  converse(store);
  FAILS(OMEMO_ERROR_NULL, omemo_store_accounts(NULL, &accounts, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_accounts(store, NULL, &error));
  CHECK(accounts == (omemo_strings *)UNTOUCHED);
  FAILS(OMEMO_ERROR_VALUE, omemo_store_checkpoint(store, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_store_check(store, &error));
  omemo_store_unref(store);
}

static void only_looked_at(void) {
  omemo_store *store = NULL, *other = STORE_UNTOUCHED;
  omemo_strings *accounts = NULL;
  omemo_account *account = (omemo_account *)UNTOUCHED;
  omemo_options options;
  options_init(&options);
  OK(omemo_store_open_sqlite_read_only(path, &store, &error));
  OK(omemo_store_accounts(store, &accounts, &error));
  CHECK(omemo_strings_count(accounts) == 2);
  omemo_strings_free(accounts);
  OK(omemo_store_check(store, &error));
  FAILS(OMEMO_ERROR_STORE_READ_ONLY,
        omemo_account_open(store, "tybalt@capulet.example", &options, NOW, &account, &error));
  CHECK(account == (omemo_account *)UNTOUCHED);
  omemo_store_unref(store);
  FAILS(OMEMO_ERROR_STORE_NO_FILE, omemo_store_open_sqlite_read_only("no such file.db", &other, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_open_sqlite_read_only(NULL, &other, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_open_sqlite_read_only(path, NULL, &error));
  CHECK(other == STORE_UNTOUCHED);
}

static void in_a_file(void) {
  omemo_store *store = STORE_UNTOUCHED;
  omemo_sqlite_options options;
  memset(&options, 0, sizeof options);
  FAILS(OMEMO_ERROR_STRUCT, omemo_store_open_sqlite(path, &options, &store, &error));
  options.struct_size = sizeof options;
  options.busy_timeout_ms = 100;
  FAILS(OMEMO_ERROR_NULL, omemo_store_open_sqlite(NULL, NULL, &store, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_open_sqlite(path, NULL, NULL, &error));
  FAILS(OMEMO_ERROR_UTF8, omemo_store_open_sqlite("\xff", NULL, &store, &error));
  FAILS(OMEMO_ERROR_STORE_NO_FOLDER, omemo_store_open_sqlite("/no/such/folder/x.db", NULL, &store, &error));
  CHECK(store == STORE_UNTOUCHED);
  OK(omemo_store_open_sqlite(path, &options, &store, &error));
  converse(store);
  OK(omemo_store_check(store, &error));
  OK(omemo_store_checkpoint(store, &error));
  omemo_store_unref(store);
  /* What was stored is there. */
  OK(omemo_store_open_sqlite(path, NULL, &store, &error));
  {
    omemo_strings *accounts = NULL;
    OK(omemo_store_accounts(store, &accounts, &error));
    CHECK(omemo_strings_count(accounts) == 2);
    omemo_strings_free(accounts);
  }
  omemo_store_unref(store);
  only_looked_at();
  FAILS(OMEMO_ERROR_NULL, omemo_store_check(NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_checkpoint(NULL, &error));
}

static void sealed(void) {
  omemo_store *below = NULL, *store = NULL, *other = STORE_UNTOUCHED;
  uint8_t bytes[32];
  omemo_seal_key key, passphrase, both;
  memset(bytes, 7, sizeof bytes);
  memset(&key, 0, sizeof key);
  key.struct_size = sizeof key;
  passphrase = key;
  key.key = bytes;
  passphrase.passphrase = (const uint8_t *)"correct horse";
  passphrase.passphrase_len = 13;
  passphrase.cost_memory_kib = 16;
  passphrase.cost_passes = passphrase.cost_lanes = 1;
  both = key;
  both.passphrase = passphrase.passphrase;

  OK(omemo_store_open_memory(&below, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_seal(NULL, &key, &other, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_seal(below, NULL, &other, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_seal(below, &key, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_store_seal(below, &both, &other, &error));
  both.key = both.passphrase = NULL;
  FAILS(OMEMO_ERROR_VALUE, omemo_store_seal(below, &both, &other, &error));
  both = passphrase;
  both.cost_passes = 1000;
  FAILS(OMEMO_ERROR_VALUE, omemo_store_seal(below, &both, &other, &error));
  both.struct_size = 1;
  FAILS(OMEMO_ERROR_STRUCT, omemo_store_seal(below, &both, &other, &error));

  OK(omemo_store_seal(below, &key, &store, &error));
  converse(store);
  bytes[0]++;
  FAILS(OMEMO_ERROR_STORE_WRONG_KEY, omemo_store_seal(below, &key, &other, &error));
  OK(omemo_store_change_key(store, &passphrase, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_change_key(NULL, &passphrase, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_change_key(store, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_store_change_key(below, &passphrase, &error));
  bytes[0]--;
  FAILS(OMEMO_ERROR_STORE_WRONG_KEY, omemo_store_seal(below, &key, &other, &error));
  CHECK(other == STORE_UNTOUCHED);
  omemo_store_unref(store);
  OK(omemo_store_seal(below, &passphrase, &store, &error));
  omemo_store_unref(store);
  omemo_store_unref(below);

  OK(omemo_store_open_memory(&below, &error));
  converse(below);
  FAILS(OMEMO_ERROR_STORE_NOT_SEALED, omemo_store_seal(below, &key, &other, &error));
  omemo_store_unref(below);
}

static void of_ones_own(void) {
  host_store host;
  omemo_store *store = STORE_UNTOUCHED, *sealed_store = NULL;
  omemo_store_callbacks callbacks;
  omemo_options options;
  omemo_account *account = NULL;
  omemo_strings *contacts = (omemo_strings *)UNTOUCHED;
  omemo_seal_key key;
  uint8_t bytes[32] = {1};

  memset(&callbacks, 0, sizeof callbacks);
  FAILS(OMEMO_ERROR_STRUCT, omemo_store_open_callbacks(&callbacks, NULL, &store, &error));
  callbacks.struct_size = sizeof callbacks;
  FAILS(OMEMO_ERROR_NULL, omemo_store_open_callbacks(&callbacks, NULL, &store, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_store_open_callbacks(NULL, NULL, &store, &error));
  callbacks.get = host_get;
  callbacks.scan = host_scan;
  callbacks.generation = host_generation;
  callbacks.apply = host_apply;
  callbacks.begin_exclusive = host_begin_exclusive;
  FAILS(OMEMO_ERROR_NULL, omemo_store_open_callbacks(&callbacks, NULL, &store, &error));
  CHECK(store == STORE_UNTOUCHED);

  host_open(&host, &store);
  converse(store);
  CHECK(host.count > 200);

  options_init(&options);
  host.conflicts = 2;
  OK(omemo_account_open(store, "nurse@capulet.example", &options, NOW, &account, &error));
  CHECK(host.conflicts == 0 && host.alone == 0);
  /* Whoever was overtaken three times is alone then, and is let in or not. */
  host.conflicts = 1000000;
  OK(omemo_account_set_accepted(account, "romeo@montague.example", 1, NOW, &error));
  CHECK(host.conflicts == 999997 && host.alone == 1 && host.ended_badly == 0);
  host.begin_failure = OMEMO_ERROR_STORE_BUSY;
  FAILS(OMEMO_ERROR_STORE_BUSY, omemo_account_set_accepted(account, "romeo@montague.example", 0, NOW, &error));
  CHECK(host.conflicts == 999994 && host.alone == 1);
  host.begin_failure = 0;
  host.end_failure = OMEMO_ERROR_STORE_FULL;
  FAILS(OMEMO_ERROR_STORE_FULL, omemo_account_set_accepted(account, "romeo@montague.example", 0, NOW, &error));
  CHECK(host.alone == 2);
  host.end_failure = 0;
  host.conflicts = 0;
  OK(omemo_account_set_accepted(account, "romeo@montague.example", 1, NOW, &error));
  host.reentered = account;
  OK(omemo_account_contacts(account, &contacts, &error));
  omemo_strings_free(contacts);
  contacts = (omemo_strings *)UNTOUCHED;
  host.failure = OMEMO_ERROR_STORE_FULL;
  FAILS(OMEMO_ERROR_STORE_FULL, omemo_account_contacts(account, &contacts, &error));
  host.failure = OMEMO_ERROR_STORE_BUSY;
  FAILS(OMEMO_ERROR_STORE_BUSY, omemo_account_contacts(account, &contacts, &error));
  host.failure = 4711;
  FAILS(OMEMO_ERROR_STORE_IO, omemo_account_contacts(account, &contacts, &error));
  CHECK(contacts == (omemo_strings *)UNTOUCHED);
  host.failure = 0;
  host.reentered = NULL;
  omemo_account_unref(account);
  omemo_store_unref(store);
  CHECK(host.destroyed == 1);

  /* Sealed, on top of one's own. */
  host_open(&host, &store);
  memset(&key, 0, sizeof key);
  key.struct_size = sizeof key;
  key.key = bytes;
  OK(omemo_store_seal(store, &key, &sealed_store, &error));
  omemo_store_unref(store);
  converse(sealed_store);
  CHECK(host.destroyed == 0);
  omemo_store_unref(sealed_store);
  CHECK(host.destroyed == 1);
}

static uint32_t wrong_get(void *user_data, const omemo_store_key *key, omemo_store_sink *sink) {
  (void)user_data;
  CHECK(omemo_store_sink_value(NULL, key->sort, key->sort_len) == OMEMO_ERROR_NULL);
  CHECK(omemo_store_sink_record(NULL, key, NULL, 0) == OMEMO_ERROR_NULL);
  CHECK(omemo_store_sink_record(sink, NULL, NULL, 0) == OMEMO_ERROR_NULL);
  CHECK(omemo_store_sink_record(sink, key, NULL, 5) == OMEMO_ERROR_VALUE);
  CHECK(omemo_store_sink_value(sink, NULL, 1) == OMEMO_ERROR_VALUE);
  CHECK(omemo_store_sink_value(sink, key->sort, SIZE_MAX) == OMEMO_ERROR_VALUE);
  return OMEMO_OK;
}

static uint32_t scan_without_a_key(void *user_data, const omemo_store_scan *scan, omemo_store_sink *sink) {
  (void)user_data;
  (void)scan;
  CHECK(omemo_store_sink_record(sink, NULL, NULL, 0) == OMEMO_ERROR_NULL);
  return OMEMO_OK;
}

static uint32_t scan_with_a_value(void *user_data, const omemo_store_scan *scan, omemo_store_sink *sink) {
  (void)user_data;
  CHECK(omemo_store_sink_value(sink, scan->from, scan->from_len) == OMEMO_ERROR_VALUE);
  return OMEMO_OK;
}

static uint32_t get_a_record(void *user_data, const omemo_store_key *key, omemo_store_sink *sink) {
  (void)user_data;
  CHECK(omemo_store_sink_record(sink, key, key->sort, key->sort_len) == OMEMO_ERROR_VALUE);
  return OMEMO_OK;
}

/* What the sink refused is not taken for an answer. */
static void a_sink_refuses(void) {
  host_store host;
  omemo_store *store = NULL;
  omemo_store_callbacks callbacks;
  omemo_options options;
  omemo_account *account = (omemo_account *)UNTOUCHED;
  omemo_strings *accounts = (omemo_strings *)UNTOUCHED;
  memset(&host, 0, sizeof host);
  CHECK(pthread_mutex_init(&host.mutex, NULL) == 0);
  CHECK(pthread_mutex_init(&host.writing, NULL) == 0);
  memset(&callbacks, 0, sizeof callbacks);
  callbacks.struct_size = sizeof callbacks;
  callbacks.get = wrong_get;
  callbacks.scan = host_scan;
  callbacks.generation = host_generation;
  callbacks.apply = host_apply;
  OK(omemo_store_open_callbacks(&callbacks, &host, &store, &error));
  options_init(&options);
  FAILS(OMEMO_ERROR_STORE_IO, omemo_account_open(store, "a@b.example", &options, NOW, &account, &error));
  CHECK(account == (omemo_account *)UNTOUCHED);
  omemo_store_unref(store);
  callbacks.get = get_a_record;
  OK(omemo_store_open_callbacks(&callbacks, &host, &store, &error));
  FAILS(OMEMO_ERROR_STORE_IO, omemo_account_open(store, "a@b.example", &options, NOW, &account, &error));
  omemo_store_unref(store);
  callbacks.scan = scan_without_a_key;
  OK(omemo_store_open_callbacks(&callbacks, &host, &store, &error));
  FAILS(OMEMO_ERROR_STORE_IO, omemo_store_accounts(store, &accounts, &error));
  omemo_store_unref(store);
  callbacks.scan = scan_with_a_value;
  OK(omemo_store_open_callbacks(&callbacks, &host, &store, &error));
  FAILS(OMEMO_ERROR_STORE_IO, omemo_store_accounts(store, &accounts, &error));
  CHECK(accounts == (omemo_strings *)UNTOUCHED);
  omemo_store_unref(store);
  host_destroy(&host);
}

int main(void) {
  snprintf(path, sizeof path, "store-%ld.db", (long)getpid());
  in_memory();
  in_a_file();
  sealed();
  of_ones_own();
  a_sink_refuses();
  remove(path);
  return 0;
}
