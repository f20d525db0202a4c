/* The version, errors, and what is handed out. */
#include "test.h"

static void the_version_is_that_of_the_header(void) {
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", OMEMO_VERSION_MAJOR, OMEMO_VERSION_MINOR, OMEMO_VERSION_PATCH);
  CHECK(strcmp(omemo_version(), version) == 0);
}

static void an_error_says_what_and_what_now(void) {
  omemo_error *error = NULL;
  omemo_store *store = (omemo_store *)UNTOUCHED;
  CHECK(omemo_store_open_sqlite("/no/such/folder/x.db", NULL, &store, &error) == OMEMO_ERROR_STORE_NO_FOLDER);
  CHECK(store == (omemo_store *)UNTOUCHED);
  CHECK(omemo_error_status(error) == OMEMO_ERROR_STORE_NO_FOLDER);
  CHECK(omemo_error_remedy(error) == OMEMO_REMEDY_MEND);
  CHECK(strcmp(omemo_error_stage(error), "store") == 0);
  CHECK(strstr(omemo_error_message(error), "folder") != NULL);
  CHECK(strstr(omemo_error_message(error), "/no/such") == NULL);
  omemo_error_free(error);
  /* Nobody needs to want one. */
  CHECK(omemo_store_open_sqlite("/no/such/folder/x.db", NULL, &store, NULL) == OMEMO_ERROR_STORE_NO_FOLDER);
}

/* What strangers send is no mistake of the program. */
static void an_error_of_others_is_to_be_told(void) {
  omemo_error *error = NULL;
  omemo_items *items = (omemo_items *)UNTOUCHED;
  omemo_fingerprint_uri *uri = (omemo_fingerprint_uri *)UNTOUCHED;
  CHECK(omemo_items_read("<message>", 9, &items, &error) == OMEMO_ERROR_STANZA);
  CHECK(omemo_error_remedy(error) == OMEMO_REMEDY_TELL);
  omemo_error_free(error);
  error = NULL;
  CHECK(omemo_fingerprint_uri_read("xmpp:", 5, &uri, &error) == OMEMO_ERROR_URI);
  CHECK(omemo_error_remedy(error) == OMEMO_REMEDY_TELL);
  omemo_error_free(error);
}

static void spellings_of_one_account_are_the_same(void) {
  omemo_error *error = NULL;
  char *bare = NULL;
  CHECK(omemo_jid_bare("Romeo@Montague.EXAMPLE./orchard", &bare, &error) == OMEMO_OK);
  CHECK(strcmp(bare, "romeo@montague.example") == 0);
  omemo_string_free(bare);
  bare = (char *)UNTOUCHED;
  FAILS(OMEMO_ERROR_JID, omemo_jid_bare("romeo@", &bare, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_jid_bare(NULL, &bare, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_jid_bare("romeo@montague.example", NULL, &error));
  CHECK(bare == (char *)UNTOUCHED);
}

static void null_is_no_object(void) {
  size_t length = 7;
  CHECK(omemo_error_status(NULL) == OMEMO_OK);
  CHECK(omemo_error_remedy(NULL) == OMEMO_REMEDY_FIX);
  CHECK(omemo_error_stage(NULL) == NULL);
  CHECK(omemo_error_message(NULL) == NULL);
  omemo_error_free(NULL);
  omemo_string_free(NULL);
  omemo_bytes_free(NULL);
  CHECK(omemo_strings_count(NULL) == 0 && omemo_strings_get(NULL, 0) == NULL);
  omemo_strings_free(NULL);
  CHECK(omemo_keys_count(NULL) == 0 && omemo_keys_get(NULL, 0) == NULL);
  omemo_keys_free(NULL);
  CHECK(omemo_devices_count(NULL) == 0 && omemo_devices_get(NULL, 0) == NULL);
  omemo_devices_free(NULL);
  omemo_conversation_free(NULL);
  CHECK(omemo_store_ref(NULL) == NULL);
  omemo_store_unref(NULL);
  CHECK(omemo_account_ref(NULL) == NULL);
  omemo_account_unref(NULL);
  CHECK(omemo_client_ref(NULL) == NULL);
  omemo_client_unref(NULL);
  CHECK(omemo_action_kind(NULL) == 0);
  CHECK(omemo_action_stanza(NULL, &length) == NULL && length == 0);
  CHECK(omemo_action_stanza(NULL, NULL) == NULL);
  CHECK(omemo_action_ticket(NULL) == 0 && omemo_action_time_ms(NULL) == 0);
  CHECK(omemo_action_room(NULL) == NULL);
  CHECK(omemo_action_sender(NULL) == NULL && omemo_action_message_id(NULL) == NULL);
  CHECK(omemo_action_delivery(NULL) == NULL && omemo_action_request(NULL) == NULL);
  CHECK(omemo_action_archive_id(NULL, NULL) == NULL);
  CHECK(omemo_action_undecryptable(NULL) == NULL && omemo_action_refusal(NULL) == NULL);
  CHECK(omemo_action_notice(NULL) == NULL);
  length = 7;
  CHECK(omemo_action_unauthenticated(NULL, &length) == NULL && length == 0);
  CHECK(omemo_action_unauthenticated(NULL, NULL) == NULL);
  CHECK(omemo_action_mark_count(NULL) == 0 && omemo_action_mark(NULL, 0) == NULL);
  CHECK(omemo_action_device_count(NULL) == 0 && omemo_action_device(NULL, 0) == NULL);
  CHECK(omemo_action_key_count(NULL) == 0 && omemo_action_key(NULL, 0) == NULL);
  omemo_action_free(NULL);
  CHECK(omemo_error_refusal(NULL) == NULL && omemo_error_device_count(NULL) == 0 && omemo_error_device(NULL, 0) == NULL);
}

static void null_is_no_message(void) {
  size_t length = 7;
  uint32_t protocol = 7;
  CHECK(omemo_bundle_protocol(NULL) == 0 && omemo_bundle_fingerprint(NULL) == NULL);
  CHECK(omemo_bundle_pre_key_count(NULL) == 0);
  omemo_bundle_free(NULL);
  CHECK(omemo_device_list_protocol(NULL) == 0 && omemo_device_list_count(NULL) == 0);
  CHECK(omemo_device_list_get(NULL, 0) == NULL);
  omemo_device_list_free(NULL);
  omemo_list_change_free(NULL);
  CHECK(omemo_peers_count(NULL) == 0 && omemo_peers_get(NULL, 0) == NULL);
  omemo_peers_free(NULL);
  CHECK(omemo_undecided_keys_count(NULL) == 0 && omemo_undecided_keys_get(NULL, 0) == NULL);
  omemo_undecided_keys_free(NULL);
  CHECK(omemo_sent_element(NULL, 1) == NULL && omemo_sent_key(NULL, 1, 0) == NULL);
  CHECK(omemo_sent_device_count(NULL) == 0 && omemo_sent_device(NULL, 0) == NULL);
  omemo_sent_free(NULL);
  CHECK(omemo_due_answers_count(NULL) == 0 && omemo_due_answers_get(NULL, 0) == NULL);
  omemo_due_answers_free(NULL);
  CHECK(omemo_stanza_is_iq(NULL) == 0 && omemo_stanza_from(NULL) == NULL && omemo_stanza_to(NULL) == NULL);
  CHECK(omemo_stanza_type(NULL) == NULL && omemo_stanza_id(NULL) == NULL && omemo_stanza_element(NULL, 1) == NULL);
  omemo_stanza_free(NULL);
  CHECK(omemo_reading_outcome(NULL) == 0 && omemo_reading_sender(NULL) == NULL);
  CHECK(omemo_reading_message_id(NULL) == NULL && omemo_reading_delivery(NULL) == NULL);
  CHECK(omemo_reading_payload(NULL, &length) == NULL && length == 0);
  CHECK(omemo_reading_other(NULL, &protocol, NULL) == NULL && protocol == 0);
  CHECK(omemo_reading_attached(NULL, NULL) == NULL && omemo_reading_failure(NULL) == NULL);
  CHECK(omemo_reading_has_payload(NULL) == 0);
  omemo_reading_free(NULL);
  CHECK(omemo_readings_count(NULL) == 0 && omemo_readings_get(NULL, 0) == NULL);
  omemo_readings_free(NULL);
  CHECK(omemo_plain_body(NULL) == NULL);
  omemo_plain_free(NULL);
  CHECK(omemo_content_body(NULL) == NULL && omemo_content_elements(NULL) == NULL);
  CHECK(omemo_content_has_opt_out(NULL) == 0 && omemo_content_opt_out_reason(NULL) == NULL);
  CHECK(omemo_content_sent_at_ms(NULL) == 0);
  omemo_content_free(NULL);
  CHECK(omemo_items_source(NULL) == 0 && omemo_items_node(NULL) == 0 && omemo_items_protocol(NULL) == 0);
  CHECK(omemo_items_from(NULL) == NULL && omemo_items_bundle_count(NULL) == 0 && omemo_items_bundle_device(NULL, 0) == 0);
  omemo_items_free(NULL);
  CHECK(omemo_iq_answer_is_error(NULL) == 0 && omemo_iq_answer_from(NULL) == NULL && omemo_iq_answer_id(NULL) == NULL);
  CHECK(omemo_iq_answer_has(NULL, "conflict") == 0 && omemo_iq_answer_has(NULL, NULL) == 0);
  omemo_iq_answer_free(NULL);
  omemo_forwarded_free(NULL);
}

static void fingerprints_are_read_as_clients_show_them(void) {
  const char *shown = "A49B8AC6 61E0BC7B 84BADCE8 1381DC6F EDB6CDA4 85969FC5 8539A414 1A6D2670";
  char text[OMEMO_FINGERPRINT_SIZE + 1];
  omemo_fingerprint fingerprint;
  size_t i;
  memset(text, '!', sizeof text);
  OK(omemo_fingerprint_parse(shown, &fingerprint, &error));
  CHECK(fingerprint.bytes[0] == 0xa4 && fingerprint.bytes[31] == 0x70);
  OK(omemo_fingerprint_format(&fingerprint, text, &error));
  CHECK(strlen(text) == OMEMO_FINGERPRINT_SIZE - 1 && text[OMEMO_FINGERPRINT_SIZE] == '!');
  for (i = 0; i < strlen(text); i++) {
    CHECK(text[i] == (shown[i] >= 'A' ? shown[i] + ('a' - 'A') : shown[i]));
  }
  FAILS(OMEMO_ERROR_FINGERPRINT, omemo_fingerprint_parse("05", &fingerprint, &error));
  FAILS(OMEMO_ERROR_UTF8, omemo_fingerprint_parse("\xff", &fingerprint, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_fingerprint_parse(NULL, &fingerprint, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_fingerprint_parse(shown, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_fingerprint_format(NULL, text, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_fingerprint_format(&fingerprint, NULL, &error));
}

static void fingerprints_are_scanned(void) {
  const char *scanned = "xmpp:romeo@montague.example?omemo-sid-27="
                        "a49b8ac661e0bc7b84badce81381dc6fedb6cda485969fc58539a4141a6d2670";
  omemo_fingerprint_uri *uri = NULL;
  omemo_device_fingerprint key;
  char *written = NULL;
  OK(omemo_fingerprint_uri_read(scanned, strlen(scanned), &uri, &error));
  CHECK(strcmp(omemo_fingerprint_uri_jid(uri), "romeo@montague.example") == 0);
  CHECK(omemo_fingerprint_uri_count(uri) == 1 && omemo_fingerprint_uri_get(uri, 1) == NULL);
  key = *omemo_fingerprint_uri_get(uri, 0);
  CHECK(key.device == 27 && key.fingerprint.bytes[0] == 0xa4);
  omemo_fingerprint_uri_free(uri);
  OK(omemo_fingerprint_uri_write("romeo@montague.example/orchard", &key, 1, &written, &error));
  CHECK(strcmp(written, scanned) == 0);
  omemo_string_free(written);
  FAILS(OMEMO_ERROR_URI, omemo_fingerprint_uri_read("https://omemo.top", 17, &uri, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_fingerprint_uri_read(NULL, 0, &uri, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_fingerprint_uri_read(scanned, strlen(scanned), NULL, &error));
  FAILS(OMEMO_ERROR_URI, omemo_fingerprint_uri_write("a@b", &key, 0, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_fingerprint_uri_write(NULL, &key, 1, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_fingerprint_uri_write("a@b", NULL, 1, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_fingerprint_uri_write("a@b", &key, 1, NULL, &error));
  key.device = 0;
  FAILS(OMEMO_ERROR_VALUE, omemo_fingerprint_uri_write("a@b", &key, 1, &written, &error));
  CHECK(omemo_fingerprint_uri_jid(NULL) == NULL && omemo_fingerprint_uri_count(NULL) == 0);
  CHECK(omemo_fingerprint_uri_get(NULL, 0) == NULL);
  omemo_fingerprint_uri_free(NULL);
}

static void trust_is_scanned(void) {
  const char *scanned = "xmpp:romeo@montague.example?trust-message;encryption=urn:xmpp:omemo:2;"
                        "trust=a49b8ac661e0bc7b84badce81381dc6fedb6cda485969fc58539a4141a6d2670;"
                        "distrust=0000000000000000000000000000000000000000000000000000000000000009";
  omemo_trust_message *message = NULL;
  omemo_fingerprint fingerprint;
  omemo_key_id trusted, distrusted;
  char *written = NULL;
  OK(omemo_trust_message_read(scanned, strlen(scanned), &message, &error));
  CHECK(strcmp(omemo_trust_message_owner(message), "romeo@montague.example") == 0);
  trusted = *omemo_trust_message_trusted(message, 0);
  distrusted = *omemo_trust_message_distrusted(message, 0);
  CHECK(trusted.bytes[0] == 0xa4 && omemo_trust_message_trusted(message, 1) == NULL);
  CHECK(distrusted.bytes[31] == 9 && omemo_trust_message_distrusted(message, 1) == NULL);
  omemo_trust_message_free(message);
  OK(omemo_trust_message_write("romeo@montague.example", &trusted, 1, &distrusted, 1, &written, &error));
  CHECK(strcmp(written, scanned) == 0);
  omemo_string_free(written);
  memcpy(fingerprint.bytes, trusted.bytes, sizeof fingerprint.bytes);
  CHECK(omemo_key_id_calls(&trusted, &fingerprint) == 1 && omemo_key_id_calls(&distrusted, &fingerprint) == 0);
  CHECK(omemo_key_id_calls(NULL, &fingerprint) == 0 && omemo_key_id_calls(&trusted, NULL) == 0);
  /* The Ed25519 form of a key, and its fingerprint: RFC 8032's first, by the map of RFC 7748. */
  {
    const char *ed25519 = "xmpp:a@b?trust-message;encryption=urn:xmpp:omemo:2;"
                          "trust=d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    OK(omemo_fingerprint_parse("d85e07ec22b0ad881537c2f44d662d1a143cf830c57aca4305d85c7a90f6b62e", &fingerprint, &error));
    OK(omemo_trust_message_read(ed25519, strlen(ed25519), &message, &error));
    CHECK(omemo_key_id_calls(omemo_trust_message_trusted(message, 0), &fingerprint) == 1);
    omemo_trust_message_free(message);
  }
  FAILS(OMEMO_ERROR_URI, omemo_trust_message_read("xmpp:a@b", 8, &message, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_trust_message_read(NULL, 0, &message, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_trust_message_read(scanned, strlen(scanned), NULL, &error));
  FAILS(OMEMO_ERROR_URI, omemo_trust_message_write("a@b", NULL, 0, NULL, 0, &written, &error));
  FAILS(OMEMO_ERROR_URI, omemo_trust_message_write("a@b", &trusted, 1, &trusted, 1, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_trust_message_write(NULL, &trusted, 1, NULL, 0, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_trust_message_write("a@b", NULL, 1, NULL, 0, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_trust_message_write("a@b", &trusted, 1, NULL, 0, NULL, &error));
  CHECK(omemo_trust_message_owner(NULL) == NULL && omemo_trust_message_trusted(NULL, 0) == NULL);
  CHECK(omemo_trust_message_distrusted(NULL, 0) == NULL);
  omemo_trust_message_free(NULL);
}

int main(void) {
  the_version_is_that_of_the_header();
  an_error_says_what_and_what_now();
  an_error_of_others_is_to_be_told();
  spellings_of_one_account_are_the_same();
  null_is_no_object();
  null_is_no_message();
  fingerprints_are_read_as_clients_show_them();
  fingerprints_are_scanned();
  trust_is_scanned();
  return 0;
}
