/* Accounts without clients: what is published, encrypted, decrypted, and waits. */
#include "pair.h"

static omemo_store *store;
static person juliet, romeo;
#define LEGACY OMEMO_PROTOCOL_LEGACY
#define OMEMO2 OMEMO_PROTOCOL_OMEMO2

static void bundles_are_due_until_they_are_published(void) {
  omemo_bundle *bundle = NULL;
  omemo_fingerprint own;
  uint64_t revision = 0;
  uint8_t is_due = 7;
  OK(omemo_account_bundle(juliet.account, LEGACY, &bundle, &revision, &is_due, &error));
  CHECK(is_due == 0 && revision > 0);
  CHECK(omemo_bundle_protocol(bundle) == LEGACY && omemo_bundle_pre_key_count(bundle) == 100);
  OK(omemo_account_fingerprint(juliet.account, &own, &error));
  CHECK(memcmp(omemo_bundle_fingerprint(bundle), &own, sizeof own) == 0);
  omemo_bundle_free(bundle);
  OK(omemo_account_bundle_lost(juliet.account, LEGACY, &error));
  OK(omemo_account_bundle(juliet.account, LEGACY, &bundle, &revision, &is_due, &error));
  CHECK(is_due == 1);
  omemo_bundle_free(bundle);
  OK(omemo_account_bundle(juliet.account, OMEMO2, &bundle, &revision, NULL, &error));
  CHECK(memcmp(omemo_bundle_fingerprint(bundle), &own, sizeof own) == 0);
  omemo_bundle_free(bundle);
  OK(omemo_account_bundle_published(juliet.account, LEGACY, revision, &error));
  bundle = (omemo_bundle *)UNTOUCHED;
  FAILS(OMEMO_ERROR_NULL, omemo_account_bundle(NULL, LEGACY, &bundle, &revision, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_bundle(juliet.account, LEGACY, NULL, &revision, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_bundle(juliet.account, LEGACY, &bundle, NULL, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_bundle(juliet.account, 3, &bundle, &revision, NULL, &error));
  CHECK(bundle == (omemo_bundle *)UNTOUCHED);
  FAILS(OMEMO_ERROR_NULL, omemo_account_bundle_published(NULL, LEGACY, revision, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_bundle_published(juliet.account, 0, revision, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_bundle_lost(NULL, LEGACY, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_bundle_lost(juliet.account, 0, &error));
  {
    uint32_t published = 0, rollback = 7;
    uint64_t since = 7;
    OK(omemo_account_check_published(juliet.account, LEGACY, NULL, NOW, &published, &error));
    CHECK(published == OMEMO_PUBLISHED_OTHER);
    OK(omemo_account_bundle(juliet.account, LEGACY, &bundle, &revision, NULL, &error));
    OK(omemo_account_check_published(juliet.account, LEGACY, bundle, NOW, &published, &error));
    CHECK(published == OMEMO_PUBLISHED_CURRENT);
    omemo_bundle_free(bundle);
    OK(omemo_account_rollback(juliet.account, &rollback, &since, &error));
    CHECK(rollback == OMEMO_ROLLBACK_NONE && since == 0);
    OK(omemo_account_rollback(juliet.account, &rollback, NULL, &error));
    OK(omemo_account_rollback_told(juliet.account, OMEMO_ROLLBACK_PROVEN, 0, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_check_published(NULL, LEGACY, NULL, NOW, &published, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_check_published(juliet.account, LEGACY, NULL, NOW, NULL, &error));
    FAILS(OMEMO_ERROR_VALUE, omemo_account_check_published(juliet.account, 0, NULL, NOW, &published, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_rollback(NULL, &rollback, &since, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_rollback(juliet.account, NULL, &since, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_rollback_told(NULL, OMEMO_ROLLBACK_PROVEN, 0, &error));
    FAILS(OMEMO_ERROR_VALUE, omemo_account_rollback_told(juliet.account, OMEMO_ROLLBACK_NONE, 0, &error));
  }
}

static void what_is_missing_is_named(void) {
  omemo_peers *lists = NULL, *bundles = NULL;
  const char *recipients[] = {ROMEO "/orchard"};
  uint64_t seen = 7;
  OK(omemo_account_missing(juliet.account, recipients, 1, 1, 1, &lists, &bundles, &error));
  CHECK(omemo_peers_count(lists) == 4 && omemo_peers_count(bundles) == 0);
  CHECK(omemo_peers_get(lists, 0)->device == 0 && omemo_peers_get(lists, 4) == NULL);
  CHECK(strcmp(omemo_peers_get(lists, 3)->jid, ROMEO) == 0 && omemo_peers_get(lists, 3)->protocol == OMEMO2);
  omemo_peers_free(lists);
  omemo_peers_free(bundles);
  OK(omemo_account_device_list_seen(juliet.account, ROMEO, LEGACY, &seen, &error));
  CHECK(seen == 0);
  person_meet(&juliet, &romeo);
  person_meet(&juliet, &juliet);
  OK(omemo_account_device_list_seen(juliet.account, ROMEO, LEGACY, &seen, &error));
  CHECK(seen == NOW);
  OK(omemo_account_missing(juliet.account, recipients, 1, 1, 1, &lists, &bundles, &error));
  CHECK(omemo_peers_count(lists) == 0 && omemo_peers_count(bundles) == 1);
  CHECK(omemo_peers_get(bundles, 0)->device == romeo.device && omemo_peers_get(bundles, 0)->protocol == LEGACY);
  omemo_peers_free(lists);
  omemo_peers_free(bundles);
  lists = bundles = (omemo_peers *)UNTOUCHED;
  FAILS(OMEMO_ERROR_NULL, omemo_account_missing(NULL, recipients, 1, 1, 1, &lists, &bundles, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_missing(juliet.account, NULL, 1, 1, 1, &lists, &bundles, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_missing(juliet.account, recipients, 1, 1, 1, NULL, &bundles, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_missing(juliet.account, recipients, 1, 1, 1, &lists, NULL, &error));
  recipients[0] = "@";
  FAILS(OMEMO_ERROR_JID, omemo_account_missing(juliet.account, recipients, 1, 1, 1, &lists, &bundles, &error));
  CHECK(lists == (omemo_peers *)UNTOUCHED && bundles == (omemo_peers *)UNTOUCHED);
  FAILS(OMEMO_ERROR_NULL, omemo_account_device_list_seen(NULL, ROMEO, LEGACY, &seen, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_device_list_seen(juliet.account, ROMEO, LEGACY, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_device_list_seen(juliet.account, ROMEO, 0, &seen, &error));
}

static void a_refusal_says_who_and_why(void) {
  const char *recipient = ROMEO;
  omemo_outgoing outgoing;
  omemo_fetched_bundle fetched;
  omemo_sent *sent = (omemo_sent *)UNTOUCHED;
  omemo_bundle *bundle = person_bundle(&romeo, OMEMO2);
  omemo_error *error = NULL;
  const omemo_device_report *device;
  int i;
  memset(&outgoing, 0, sizeof outgoing);
  outgoing.struct_size = sizeof outgoing;
  outgoing.recipients = &recipient;
  outgoing.recipient_count = 1;
  outgoing.legacy = (const uint8_t *)"Ay me";
  outgoing.legacy_len = 5;
  memset(&fetched, 0, sizeof fetched);
  fetched.peer.jid = ROMEO;
  fetched.peer.device = romeo.device;
  fetched.peer.protocol = LEGACY;
  outgoing.bundles = &fetched;
  for (i = 0; i < 4; i++) {
    const uint32_t gaps[] = {OMEMO_GAP_NO_SESSION, OMEMO_GAP_NO_BUNDLE, OMEMO_GAP_BROKEN_BUNDLE, OMEMO_GAP_BROKEN_BUNDLE};
    outgoing.bundle_count = i > 0;
    fetched.is_broken = i == 2;
    fetched.bundle = i == 3 ? bundle : NULL; /* of the other version */
    CHECK(omemo_account_encrypt(juliet.account, &outgoing, NOW, &sent, &error) == OMEMO_ERROR_REFUSED);
    CHECK(strcmp(omemo_error_stage(error), "encryption") == 0 && omemo_error_remedy(error) == OMEMO_REMEDY_TELL);
    CHECK(strstr(omemo_error_message(error), "@") == NULL);
    CHECK(omemo_error_refusal(error)->kind == OMEMO_REFUSAL_NOBODY_REACHED);
    CHECK(strcmp(omemo_error_refusal(error)->jid, ROMEO) == 0 && omemo_error_refusal(error)->reason != NULL);
    CHECK(omemo_error_device_count(error) == 1 && omemo_error_device(error, 1) == NULL);
    device = omemo_error_device(error, 0);
    CHECK(strcmp(device->jid, ROMEO) == 0 && device->device == romeo.device && device->protocol == 0);
    CHECK(device->gap == gaps[i] && device->reason != NULL);
    omemo_error_free(error);
    error = NULL;
  }
  recipient = "nobody@verona.example";
  CHECK(omemo_account_encrypt(juliet.account, &outgoing, NOW, &sent, &error) == OMEMO_ERROR_REFUSED);
  CHECK(omemo_error_refusal(error)->kind == OMEMO_REFUSAL_NO_DEVICES);
  omemo_error_free(error);
  recipient = ROMEO;
  {
#define ENCRYPT(account, outgoing, sent) omemo_account_encrypt(account, outgoing, NOW, sent, &error)
    omemo_outgoing other = outgoing;
    FAILS(OMEMO_ERROR_NULL, omemo_account_encrypt(NULL, &outgoing, NOW, &sent, &error));
    FAILS(OMEMO_ERROR_NULL, ENCRYPT(juliet.account, NULL, &sent));
    FAILS(OMEMO_ERROR_NULL, ENCRYPT(juliet.account, &outgoing, NULL));
    other.struct_size = 8;
    FAILS(OMEMO_ERROR_STRUCT, ENCRYPT(juliet.account, &other, &sent));
    other = outgoing;
    other.legacy = NULL;
    FAILS(OMEMO_ERROR_NULL, ENCRYPT(juliet.account, &other, &sent));
    other = outgoing;
    other.bundles = NULL;
    FAILS(OMEMO_ERROR_NULL, ENCRYPT(juliet.account, &other, &sent));
    fetched.is_broken = 1;
    FAILS(OMEMO_ERROR_VALUE, ENCRYPT(juliet.account, &outgoing, &sent));
    fetched.is_broken = 0;
    fetched.peer.protocol = 3;
    FAILS(OMEMO_ERROR_VALUE, ENCRYPT(juliet.account, &outgoing, &sent));
    fetched.peer.protocol = LEGACY;
    fetched.peer.jid = NULL;
    FAILS(OMEMO_ERROR_NULL, ENCRYPT(juliet.account, &outgoing, &sent));
  }
  CHECK(sent == (omemo_sent *)UNTOUCHED);
  omemo_bundle_free(bundle);
}

static void a_message_is_read_and_waits(void) {
  char *stanza = person_write(&juliet, &romeo, LEGACY, "Wherefore art thou?"), *shown = NULL;
  omemo_reading *reading;
  omemo_readings *waiting = NULL;
  omemo_content *content = NULL;
  const omemo_delivery *delivery;
  omemo_message_id id;
  size_t length = 0;
  uint32_t protocol = 7;
  const char *payload;
  reading = person_read(&romeo, JULIET "/balcony", stanza);
  CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_MESSAGE && omemo_reading_has_payload(reading) == 1);
  CHECK(strcmp(omemo_reading_sender(reading), JULIET) == 0 && omemo_reading_failure(reading) == NULL);
  delivery = omemo_reading_delivery(reading);
  CHECK(delivery->device == juliet.device && delivery->protocol == LEGACY && delivery->trust == OMEMO_TRUST_BLIND);
  CHECK(delivery->is_new_key == 1 && delivery->is_again == 0 && delivery->listing == OMEMO_LISTING_NEVER);
  payload = (const char *)omemo_reading_payload(reading, &length);
  CHECK(length == 19 && strcmp(payload, "Wherefore art thou?") == 0);
  CHECK(omemo_reading_other(reading, &protocol, &length) == NULL && protocol == 0 && length == 0);
  id = *omemo_reading_message_id(reading);
  OK(omemo_content_read(LEGACY, omemo_reading_payload(reading, NULL), 19, JULIET, ROMEO, 0, &content, &error));
  payload = (const char *)omemo_reading_attached(reading, &length);
  OK(omemo_content_reveal(content, payload, length, &shown, NULL, &error));
  CHECK(strstr(shown, "<body>Wherefore art thou?</body>") != NULL && strstr(shown, "encrypted") == NULL);
  CHECK(strstr(shown, "id='m'") != NULL);
  omemo_string_free(shown);
  omemo_content_free(content);
  omemo_reading_free(reading);
  /* Until it is acknowledged it is handed out again. */
  reading = person_read(&romeo, JULIET, stanza);
  CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_MESSAGE && omemo_reading_delivery(reading)->is_again == 1);
  omemo_reading_free(reading);
  OK(omemo_account_add_consumer(romeo.account, "notifier", &error));
  OK(omemo_account_inbox(romeo.account, NULL, &waiting, &error));
  CHECK(omemo_readings_count(waiting) == 1 && omemo_readings_get(waiting, 1) == NULL);
  CHECK(memcmp(omemo_reading_message_id(omemo_readings_get(waiting, 0)), &id, sizeof id) == 0);
  omemo_readings_free(waiting);
  OK(omemo_account_acknowledge(romeo.account, &id, 1, NULL, &error));
  OK(omemo_account_inbox(romeo.account, NULL, &waiting, &error));
  CHECK(omemo_readings_count(waiting) == 0);
  omemo_readings_free(waiting);
  reading = person_read(&romeo, JULIET, stanza);
  CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_DUPLICATE && omemo_reading_payload(reading, NULL) == NULL);
  CHECK(memcmp(omemo_reading_message_id(reading), &id, sizeof id) == 0);
  omemo_reading_free(reading);
  omemo_string_free(stanza);
  FAILS(OMEMO_ERROR_NULL, omemo_account_inbox(NULL, NULL, &waiting, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_inbox(romeo.account, NULL, NULL, &error));
  FAILS(OMEMO_ERROR_UTF8, omemo_account_inbox(romeo.account, "\xff", &waiting, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_acknowledge(NULL, &id, 1, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_acknowledge(romeo.account, NULL, 1, NULL, &error));
  OK(omemo_account_acknowledge(romeo.account, NULL, 0, NULL, &error));
}

static void consumers_wait_each_for_itself(void) {
  char *stanza = person_write(&juliet, &romeo, LEGACY, "one more"), name[] = "a";
  omemo_readings *waiting = NULL;
  omemo_message_id id;
  omemo_reading_free(person_read(&romeo, JULIET, stanza));
  omemo_string_free(stanza);
  OK(omemo_account_inbox(romeo.account, "notifier", &waiting, &error));
  CHECK(omemo_readings_count(waiting) == 1);
  id = *omemo_reading_message_id(omemo_readings_get(waiting, 0));
  omemo_readings_free(waiting);
  OK(omemo_account_acknowledge(romeo.account, &id, 1, NULL, &error));
  OK(omemo_account_inbox(romeo.account, "notifier", &waiting, &error));
  CHECK(omemo_readings_count(waiting) == 1);
  omemo_readings_free(waiting);
  OK(omemo_account_remove_consumer(romeo.account, "notifier", &error));
  OK(omemo_account_inbox(romeo.account, "notifier", &waiting, &error));
  CHECK(omemo_readings_count(waiting) == 0);
  omemo_readings_free(waiting);
  for (; name[0] < 'h'; name[0]++) {
    OK(omemo_account_add_consumer(romeo.account, name, &error));
  }
  FAILS(OMEMO_ERROR_ACCOUNT_NO_ID, omemo_account_add_consumer(romeo.account, "h", &error));
  for (name[0] = 'a'; name[0] < 'h'; name[0]++) {
    OK(omemo_account_remove_consumer(romeo.account, name, &error));
  }
  FAILS(OMEMO_ERROR_VALUE, omemo_account_add_consumer(romeo.account, "", &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_remove_consumer(romeo.account, "application", &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_add_consumer(NULL, "x", &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_add_consumer(romeo.account, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_remove_consumer(NULL, "x", &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_remove_consumer(romeo.account, NULL, &error));
}

static void the_newer_version_has_an_envelope(void) {
  char *stanza, *payload;
  omemo_reading *reading;
  omemo_content *content = NULL;
  size_t length = 0;
  OK(omemo_account_set_speaks(juliet.account, ROMEO, romeo.device, OMEMO2, NOW, &error));
  stanza = person_write(&juliet, &romeo, OMEMO2, "by what name");
  CHECK(strstr(stanza, "urn:xmpp:omemo:2") != NULL && strstr(stanza, "axolotl") == NULL);
  reading = person_read(&romeo, JULIET, stanza);
  omemo_string_free(stanza);
  CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_MESSAGE && omemo_reading_delivery(reading)->protocol == OMEMO2);
  payload = (char *)omemo_reading_payload(reading, &length);
  OK(omemo_content_read(OMEMO2, (uint8_t *)payload, length, JULIET, ROMEO, 0, &content, &error));
  CHECK(strcmp(omemo_content_body(content), "by what name") == 0 && omemo_content_sent_at_ms(content) == NOW);
  omemo_content_free(content);
  content = (omemo_content *)UNTOUCHED;
  /* Somebody passes on what was meant for Romeo. */
  FAILS(OMEMO_ERROR_STANZA_CONTENT,
        omemo_content_read(OMEMO2, (uint8_t *)payload, length, JULIET, "paris@verona.example", 0, &content, &error));
  FAILS(OMEMO_ERROR_STANZA_CONTENT,
        omemo_content_read(OMEMO2, (uint8_t *)payload, length, "paris@verona.example", ROMEO, 0, &content, &error));
  CHECK(content == (omemo_content *)UNTOUCHED);
  OK(omemo_account_acknowledge(romeo.account, omemo_reading_message_id(reading), 1, NULL, &error));
  omemo_reading_free(reading);
}

static void a_page_is_stored_at_once(void) {
  char *xml[3];
  omemo_stanza *stanzas[3];
  omemo_incoming incoming[3];
  const omemo_incoming *page[3];
  const char *sender = JULIET;
  omemo_readings *readings = NULL;
  uint64_t catch_up = 0;
  int i;
  OK(omemo_account_begin_catch_up(romeo.account, OMEMO_ORDER_OLDEST_FIRST, NOW, &catch_up, &error));
  memset(incoming, 0, sizeof incoming);
  for (i = 0; i < 3; i++) {
    xml[i] = person_write(&juliet, &romeo, OMEMO2, "from the archive");
    OK(omemo_stanza_read(ROMEO, romeo.device, xml[i], strlen(xml[i]), &stanzas[i], &error));
    incoming[i].struct_size = sizeof incoming[i];
    incoming[i].senders = &sender;
    incoming[i].sender_count = 1;
    incoming[i].stanza = stanzas[i];
    incoming[i].arrival = OMEMO_ARRIVAL_ARCHIVED;
    incoming[i].catch_up = catch_up;
    page[i] = &incoming[i];
  }
  FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt_page(NULL, page, 3, NOW, &readings, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt_page(romeo.account, NULL, 3, NOW, &readings, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt_page(romeo.account, page, 3, NOW, NULL, &error));
  page[2] = NULL;
  FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt_page(romeo.account, page, 3, NOW, &readings, &error));
  page[2] = &incoming[2];
  CHECK(readings == NULL);
  OK(omemo_account_decrypt_page(romeo.account, page, 3, NOW, &readings, &error));
  CHECK(omemo_readings_count(readings) == 3);
  for (i = 0; i < 3; i++) {
    const omemo_reading *reading = omemo_readings_get(readings, (size_t)i);
    CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_MESSAGE);
    OK(omemo_account_acknowledge(romeo.account, omemo_reading_message_id(reading), 1, NULL, &error));
  }
  omemo_readings_free(readings);
  OK(omemo_account_decrypt_page(romeo.account, NULL, 0, NOW, &readings, &error));
  CHECK(omemo_readings_count(readings) == 0);
  omemo_readings_free(readings);
  OK(omemo_account_end_catch_up(romeo.account, catch_up, NOW, &error));
  OK(omemo_account_maintain(romeo.account, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_begin_catch_up(NULL, OMEMO_ORDER_OLDEST_FIRST, NOW, &catch_up, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_begin_catch_up(romeo.account, OMEMO_ORDER_OLDEST_FIRST, NOW, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_begin_catch_up(romeo.account, 0, NOW, &catch_up, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_end_catch_up(NULL, catch_up, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_maintain(NULL, NOW, &error));
  {
    omemo_reading *reading = (omemo_reading *)UNTOUCHED;
    omemo_incoming other = incoming[0];
    FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt(NULL, &other, NOW, &reading, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt(romeo.account, NULL, NOW, &reading, &error));
    FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt(romeo.account, &other, NOW, NULL, &error));
    other.sender_count = 0;
    FAILS(OMEMO_ERROR_VALUE, omemo_account_decrypt(romeo.account, &other, NOW, &reading, &error));
    other = incoming[0];
    other.arrival = 4;
    FAILS(OMEMO_ERROR_VALUE, omemo_account_decrypt(romeo.account, &other, NOW, &reading, &error));
    other = incoming[0];
    other.evidence = OMEMO_EVIDENCE_NOBODY;
    FAILS(OMEMO_ERROR_VALUE, omemo_account_decrypt(romeo.account, &other, NOW, &reading, &error));
    other.evidence = 5;
    FAILS(OMEMO_ERROR_VALUE, omemo_account_decrypt(romeo.account, &other, NOW, &reading, &error));
    other = incoming[0];
    other.bundle_count = 1;
    FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt(romeo.account, &other, NOW, &reading, &error));
    other = incoming[0];
    other.stanza = NULL;
    FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt(romeo.account, &other, NOW, &reading, &error));
    other = incoming[0];
    other.attached_len = 1;
    FAILS(OMEMO_ERROR_NULL, omemo_account_decrypt(romeo.account, &other, NOW, &reading, &error));
    other = incoming[0];
    other.struct_size = 0;
    FAILS(OMEMO_ERROR_STRUCT, omemo_account_decrypt(romeo.account, &other, NOW, &reading, &error));
    CHECK(reading == (omemo_reading *)UNTOUCHED);
  }
  for (i = 0; i < 3; i++) {
    omemo_stanza_free(stanzas[i]);
    omemo_string_free(xml[i]);
  }
}

/* A first message of one of several: it is told whose bundle would help, and read with what came of it. */
static void one_of_several_is_weighed(void) {
  const char *senders[] = {JULIET, "paris@verona.example"};
  person paris;
  char *xml;
  omemo_stanza *stanza = NULL;
  omemo_reading *reading = NULL;
  omemo_peers *peers = NULL;
  omemo_bundle *bundle = NULL;
  omemo_incoming incoming;
  omemo_fetched_bundle bundles[2];
  size_t i;
  person_open(&paris, store, "paris@verona.example");
  person_meet(&paris, &paris);
  person_meet(&paris, &romeo);
  xml = person_write(&paris, &romeo, LEGACY, "who is it?");
  OK(omemo_stanza_read(ROMEO, romeo.device, xml, strlen(xml), &stanza, &error));
  memset(&incoming, 0, sizeof incoming);
  incoming.struct_size = sizeof incoming;
  incoming.stanza = stanza;
  incoming.evidence = OMEMO_EVIDENCE_NOBODY;
  OK(omemo_account_decrypt(romeo.account, &incoming, NOW, &reading, &error));
  CHECK(omemo_reading_failure(reading)->kind == OMEMO_UNDECRYPTABLE_AMBIGUOUS_SENDER);
  omemo_reading_free(reading);
  incoming.senders = senders;
  incoming.sender_count = 2;
  incoming.evidence = OMEMO_EVIDENCE_CANDIDATES;
  OK(omemo_account_decrypt(romeo.account, &incoming, NOW, &reading, &error));
  CHECK(omemo_reading_failure(reading)->kind == OMEMO_UNDECRYPTABLE_AMBIGUOUS_SENDER && omemo_reading_sender(reading) == NULL);
  omemo_reading_free(reading);
  OK(omemo_account_bundles_to_tell(romeo.account, &incoming, &peers, &error));
  CHECK(omemo_peers_count(peers) == 2);
  FAILS(OMEMO_ERROR_NULL, omemo_account_bundles_to_tell(NULL, &incoming, &peers, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_bundles_to_tell(romeo.account, NULL, &peers, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_bundles_to_tell(romeo.account, &incoming, NULL, &error));
  memset(bundles, 0, sizeof bundles);
  for (i = 0; i < 2; i++) {
    const omemo_peer *peer = omemo_peers_get(peers, i);
    bundles[i].peer = *peer;
    if (strcmp(peer->jid, paris.jid) == 0) {
      bundles[i].bundle = bundle = person_bundle(&paris, LEGACY);
    }
  }
  incoming.bundles = bundles;
  incoming.bundle_count = 2;
  incoming.evidence = OMEMO_EVIDENCE_SOME_CANDIDATES;
  OK(omemo_account_decrypt(romeo.account, &incoming, NOW, &reading, &error));
  CHECK(omemo_reading_failure(reading)->kind == OMEMO_UNDECRYPTABLE_AMBIGUOUS_SENDER);
  omemo_reading_free(reading);
  incoming.evidence = OMEMO_EVIDENCE_CANDIDATES;
  OK(omemo_account_decrypt(romeo.account, &incoming, NOW, &reading, &error));
  CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_MESSAGE && strcmp(omemo_reading_sender(reading), paris.jid) == 0);
  OK(omemo_account_acknowledge(romeo.account, omemo_reading_message_id(reading), 1, NULL, &error));
  omemo_reading_free(reading);
  omemo_bundle_free(bundle);
  omemo_peers_free(peers);
  omemo_stanza_free(stanza);
  omemo_string_free(xml);
  person_close(&paris);
}

static void what_cannot_be_read_says_why(void) {
  char *stanza = person_write(&juliet, &romeo, OMEMO2, "for Romeo");
  char *payload = strstr(stanza, "<payload>");
  omemo_reading *reading = person_read(&juliet, JULIET, stanza);
  CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_OWN_REFLECTION);
  omemo_reading_free(reading);
  reading = person_read(&juliet, "paris@verona.example", stanza);
  CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_NOT_FOR_THIS_DEVICE && omemo_reading_has_payload(reading) == 1);
  CHECK(omemo_reading_sender(reading) == NULL && omemo_reading_delivery(reading) == NULL);
  omemo_reading_free(reading);
  payload[9] = payload[9] == 'A' ? 'B' : 'A';
  reading = person_read(&romeo, JULIET, stanza);
  CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_FAILED && omemo_reading_has_payload(reading) == 1);
  CHECK(omemo_reading_failure(reading)->kind == OMEMO_UNDECRYPTABLE_PAYLOAD);
  CHECK(omemo_reading_failure(reading)->device == juliet.device && omemo_reading_failure(reading)->protocol == OMEMO2);
  CHECK(omemo_reading_failure(reading)->reason != NULL && strcmp(omemo_reading_sender(reading), JULIET) == 0);
  CHECK(omemo_reading_payload(reading, NULL) == NULL && omemo_reading_message_id(reading) == NULL);
  omemo_reading_free(reading);
  omemo_string_free(stanza);
}

static void keys_are_met_before_they_are_used(void) {
  omemo_options options;
  omemo_account *careful = NULL;
  omemo_device_list *list = NULL;
  omemo_fetched_bundle fetched;
  omemo_undecided_keys *keys = NULL;
  const char *recipient = ROMEO;
  omemo_bundle *bundle = person_bundle(&romeo, LEGACY);
  options_init(&options);
  options.trust = OMEMO_TRUST_POLICY_MANUAL;
  OK(omemo_account_open(store, "nurse@capulet.example", &options, NOW, &careful, &error));
  OK(omemo_device_list_new(LEGACY, &romeo.device, 1, &list, &error));
  OK(omemo_account_set_device_list(careful, ROMEO, list, NOW, NULL, &error));
  omemo_device_list_free(list);
  memset(&fetched, 0, sizeof fetched);
  fetched.peer.jid = ROMEO;
  fetched.peer.device = romeo.device;
  fetched.peer.protocol = LEGACY;
  fetched.bundle = bundle;
  OK(omemo_account_undecided(careful, &recipient, 1, &keys, &error));
  CHECK(omemo_undecided_keys_count(keys) == 0);
  omemo_undecided_keys_free(keys);
  OK(omemo_account_meet(careful, &fetched, 1, NOW, &error));
  OK(omemo_account_undecided(careful, &recipient, 1, &keys, &error));
  CHECK(omemo_undecided_keys_count(keys) == 1 && omemo_undecided_keys_get(keys, 1) == NULL);
  CHECK(strcmp(omemo_undecided_keys_get(keys, 0)->jid, ROMEO) == 0);
  CHECK(memcmp(&omemo_undecided_keys_get(keys, 0)->fingerprint, omemo_bundle_fingerprint(bundle), 32) == 0);
  omemo_undecided_keys_free(keys);
  FAILS(OMEMO_ERROR_NULL, omemo_account_meet(NULL, &fetched, 1, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_meet(careful, NULL, 1, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_undecided(NULL, &recipient, 1, &keys, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_undecided(careful, NULL, 1, &keys, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_undecided(careful, &recipient, 1, NULL, &error));
  omemo_bundle_free(bundle);
  omemo_account_unref(careful);
}

int main(void) {
  OK(omemo_store_open_memory(&store, &error));
  person_open(&juliet, store, JULIET);
  person_open(&romeo, store, ROMEO);
  bundles_are_due_until_they_are_published();
  what_is_missing_is_named();
  a_refusal_says_who_and_why();
  a_message_is_read_and_waits();
  consumers_wait_each_for_itself();
  the_newer_version_has_an_envelope();
  a_page_is_stored_at_once();
  one_of_several_is_weighed();
  what_cannot_be_read_says_why();
  keys_are_met_before_they_are_used();
  person_close(&juliet);
  person_close(&romeo);
  omemo_store_unref(store);
  return 0;
}
