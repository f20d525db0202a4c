/* XML in, XML out: nothing here needs an account or a store. */
#include "pair.h"

#define LEGACY OMEMO_PROTOCOL_LEGACY
#define OMEMO2 OMEMO_PROTOCOL_OMEMO2
#define XML(text) text, strlen(text)

static person juliet;

/* What was written, and its length; freed. */
static int is(char *written, size_t length, const char *expected) {
  int same = length == strlen(written) && strcmp(written, expected) == 0;
  if (!same) {
    printf("%s\n", written);
  }
  omemo_string_free(written);
  return same;
}

static void device_lists(void) {
  const char *xml = "<devices xmlns='urn:xmpp:omemo:2'><device id='1'/><device id='2'/></devices>";
  const uint32_t ids[] = {1, 2}, none[] = {0};
  omemo_device_list *list = (omemo_device_list *)UNTOUCHED;
  char *written = NULL;
  size_t length = 0;
  FAILS(OMEMO_ERROR_VALUE, omemo_device_list_new(0, ids, 2, &list, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_device_list_new(OMEMO2, none, 1, &list, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_device_list_new(OMEMO2, NULL, 1, &list, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_device_list_new(OMEMO2, ids, 2, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_device_list_read(0, XML(xml), &list, &error));
  FAILS(OMEMO_ERROR_STANZA, omemo_device_list_read(LEGACY, XML(xml), &list, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_device_list_read(OMEMO2, NULL, 3, &list, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_device_list_read(OMEMO2, XML(xml), NULL, &error));
  FAILS(OMEMO_ERROR_UTF8, omemo_device_list_read(OMEMO2, XML("\xff"), &list, &error));
  CHECK(list == (omemo_device_list *)UNTOUCHED);
  OK(omemo_device_list_new(OMEMO2, ids, 2, &list, &error));
  OK(omemo_device_list_write(list, &written, &length, &error));
  CHECK(is(written, length, xml));
  OK(omemo_iq_publish_device_list(list, &written, &length, &error));
  CHECK(strstr(written, "<publish node='urn:xmpp:omemo:2:devices'>") != NULL && strstr(written, xml) != NULL);
  omemo_string_free(written);
  FAILS(OMEMO_ERROR_NULL, omemo_device_list_write(NULL, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_device_list_write(list, NULL, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_publish_device_list(NULL, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_publish_device_list(list, NULL, &length, &error));
  omemo_device_list_free(list);
  xml = "<devices xmlns='urn:xmpp:omemo:2'><device id='7' label='Phone' labelsig='"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=='/></devices>";
  OK(omemo_device_list_read(OMEMO2, XML(xml), &list, &error));
  CHECK(omemo_device_list_count(list) == 1 && strcmp(omemo_device_list_get(list, 0)->label, "Phone") == 0);
  CHECK(omemo_device_list_get(list, 0)->id == 7 && omemo_device_list_get(list, 1) == NULL);
  omemo_device_list_free(list);
}

static void bundles(void) {
  omemo_bundle *bundle = person_bundle(&juliet, OMEMO2), *none = (omemo_bundle *)UNTOUCHED;
  const char *xml = juliet.bundles[1];
  char *written = NULL;
  size_t length = 0;
  OK(omemo_bundle_write(bundle, &written, &length, &error));
  CHECK(is(written, length, xml));
  OK(omemo_iq_publish_bundle(bundle, juliet.device, OMEMO_MAX_ITEMS_HUNDRED, &written, &length, &error));
  CHECK(strstr(written, "<value>100</value>") != NULL && strstr(written, xml) != NULL && length == strlen(written));
  omemo_string_free(written);
  OK(omemo_iq_publish_bundle(bundle, juliet.device, 0, &written, NULL, &error));
  CHECK(strstr(written, "max_items") == NULL);
  omemo_string_free(written);
  FAILS(OMEMO_ERROR_NULL, omemo_bundle_write(NULL, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_bundle_write(bundle, NULL, &length, &error));
  FAILS(OMEMO_ERROR_STANZA, omemo_bundle_read(LEGACY, XML(xml), &none, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_bundle_read(7, XML(xml), &none, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_bundle_read(OMEMO2, NULL, 0, &none, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_bundle_read(OMEMO2, XML(xml), NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_publish_bundle(NULL, 1, 0, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_publish_bundle(bundle, 1, 0, NULL, &length, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_iq_publish_bundle(bundle, 0, 0, &written, &length, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_iq_publish_bundle(bundle, 1, 5, &written, &length, &error));
  CHECK(none == (omemo_bundle *)UNTOUCHED);
  omemo_bundle_free(bundle);
}

static void requests(void) {
  char *written = NULL;
  size_t length = 0;
#define PUBSUB "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
#define OWNER "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>"
  OK(omemo_iq_fetch_device_list(LEGACY, &written, &length, &error));
  CHECK(is(written, length,
           PUBSUB "<items node='eu.siacs.conversations.axolotl.devicelist' max_items='1'/></pubsub>"));
  OK(omemo_iq_fetch_bundle(OMEMO2, 7, &written, &length, &error));
  CHECK(is(written, length, PUBSUB "<items node='urn:xmpp:omemo:2:bundles'><item id='7'/></items></pubsub>"));
  OK(omemo_iq_remove_bundle(LEGACY, 7, &written, &length, &error));
  CHECK(is(written, length, OWNER "<delete node='eu.siacs.conversations.axolotl.bundles:7'/></pubsub>"));
  OK(omemo_iq_configure(OMEMO_NODE_BUNDLES, OMEMO2, 0, 0, &written, &length, &error));
  CHECK(strstr(written, "<configure node='urn:xmpp:omemo:2:bundles'>") != NULL);
  CHECK(strstr(written, "<value>max</value>") != NULL);
  omemo_string_free(written);
  OK(omemo_iq_configure(OMEMO_NODE_DEVICE_LIST, LEGACY, 0, 0, &written, &length, &error));
  CHECK(strstr(written, "<configure node='eu.siacs.conversations.axolotl.devicelist'>") != NULL);
  omemo_string_free(written);
  FAILS(OMEMO_ERROR_VALUE, omemo_iq_configure(OMEMO_NODE_BUNDLES, LEGACY, 0, 0, &written, &length, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_iq_configure(3, LEGACY, 1, 0, &written, &length, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_iq_configure(OMEMO_NODE_BUNDLES, LEGACY, 1, 9, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_configure(OMEMO_NODE_BUNDLES, LEGACY, 1, 0, NULL, &length, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_iq_fetch_device_list(0, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_fetch_device_list(LEGACY, NULL, &length, &error));
  OK(omemo_iq_fetch_current_device_list(OMEMO2, &written, &length, &error));
  CHECK(length == strlen(written) && strstr(written, "<item id='current'/>") != NULL);
  omemo_string_free(written);
  FAILS(OMEMO_ERROR_VALUE, omemo_iq_fetch_current_device_list(3, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_fetch_current_device_list(LEGACY, NULL, &length, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_iq_fetch_bundle(LEGACY, 0, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_fetch_bundle(LEGACY, 1, NULL, &length, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_iq_remove_bundle(3, 1, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_remove_bundle(LEGACY, 1, NULL, &length, &error));
  CHECK(strcmp(omemo_protocol_namespace(OMEMO2), "urn:xmpp:omemo:2") == 0 && omemo_protocol_namespace(0) == NULL);
  CHECK(strcmp(omemo_protocol_namespace(LEGACY), "eu.siacs.conversations.axolotl") == 0);
  CHECK(strcmp(omemo_protocol_feature(LEGACY), "eu.siacs.conversations.axolotl.devicelist+notify") == 0);
  CHECK(strcmp(omemo_protocol_feature(OMEMO2), "urn:xmpp:omemo:2:devices+notify") == 0);
  CHECK(omemo_protocol_feature(3) == NULL);
}

static void what_a_node_holds(void) {
  char *xml = (char *)malloc(strlen(juliet.bundles[1]) + 500);
  omemo_items *items = NULL;
  omemo_device_list *list = NULL;
  omemo_bundle *bundle = NULL;
  sprintf(xml,
          "<message from='%s'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
          "<items node='urn:xmpp:omemo:2:devices'><item id='current'>%s</item></items></event></message>",
          JULIET, juliet.lists[1]);
  OK(omemo_items_read(XML(xml), &items, &error));
  CHECK(omemo_items_source(items) == OMEMO_SOURCE_EVENT && omemo_items_node(items) == OMEMO_NODE_DEVICE_LIST);
  CHECK(omemo_items_protocol(items) == OMEMO2 && strcmp(omemo_items_from(items), JULIET) == 0);
  CHECK(omemo_items_has_current(items) == 1 && omemo_items_has_current(NULL) == 0);
  OK(omemo_items_device_list(items, &list, &error));
  CHECK(omemo_device_list_count(list) == 1 && omemo_device_list_get(list, 0)->id == juliet.device);
  omemo_device_list_free(list);
  CHECK(omemo_items_bundle_count(items) == 0);
  OK(omemo_items_bundle(items, 1, &bundle, &error));
  CHECK(bundle == NULL);
  FAILS(OMEMO_ERROR_NULL, omemo_items_device_list(NULL, &list, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_items_device_list(items, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_items_bundle(NULL, 1, &bundle, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_items_bundle(items, 1, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_items_bundle(items, 0, &bundle, &error));
  omemo_items_free(items);
  sprintf(xml,
          "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:omemo:2:bundles'>"
          "<item id='%u'>%s</item><item id='9'><bundle xmlns='urn:xmpp:omemo:2'/></item></items></pubsub></iq>",
          juliet.device, juliet.bundles[1]);
  OK(omemo_items_read(XML(xml), &items, &error));
  CHECK(omemo_items_source(items) == OMEMO_SOURCE_RESULT && omemo_items_node(items) == OMEMO_NODE_BUNDLES);
  CHECK(omemo_items_from(items) == NULL && omemo_items_bundle_count(items) == 2);
  CHECK(omemo_items_has_current(items) == 0);
  CHECK(omemo_items_bundle_device(items, 0) == 9 && omemo_items_bundle_device(items, 1) == juliet.device);
  CHECK(omemo_items_bundle_device(items, 2) == 0);
  OK(omemo_items_bundle(items, juliet.device, &bundle, &error));
  CHECK(omemo_bundle_pre_key_count(bundle) == 100 && omemo_bundle_protocol(bundle) == OMEMO2);
  omemo_bundle_free(bundle);
  bundle = (omemo_bundle *)UNTOUCHED;
  FAILS(OMEMO_ERROR_STANZA, omemo_items_bundle(items, 9, &bundle, &error));
  CHECK(bundle == (omemo_bundle *)UNTOUCHED);
  OK(omemo_items_device_list(items, &list, &error));
  CHECK(list == NULL);
  omemo_items_free(items);
  OK(omemo_items_read(XML("<message><body>hello</body></message>"), &items, &error));
  CHECK(items == NULL);
  FAILS(OMEMO_ERROR_STANZA, omemo_items_read(XML("<message>"), &items, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_items_read(NULL, 0, &items, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_items_read(XML("<message/>"), NULL, &error));
  free(xml);
}

static void keys_for_all_devices(void) {
  const char *xml = "<message><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='7'>"
                    "<key rid='8' prekey='true'>AAEC</key><key rid='x'>AAEC</key><key rid='9'>!</key>"
                    "<iv>AAAAAAAAAAAAAAAA</iv></header></encrypted><encrypted xmlns='urn:xmpp:omemo:2'>"
                    "<header sid='10'><keys jid='romeo@montague.example'><key rid='11'>AwQ=</key></keys></header>"
                    "</encrypted></message>";
  omemo_listed_keys *keys = NULL;
  const omemo_listed_key *key;
  OK(omemo_listed_keys_read(XML(xml), &keys, &error));
  CHECK(omemo_listed_keys_count(keys) == 3 && omemo_listed_keys_get(keys, 3) == NULL);
  key = omemo_listed_keys_get(keys, 0);
  CHECK(key->protocol == LEGACY && key->sender_device == 7 && key->device == 8 && key->is_key_exchange == 1);
  CHECK(key->jid == NULL && strcmp(key->text, "AAEC") == 0);
  key = omemo_listed_keys_get(keys, 1);
  CHECK(key->device == 9 && key->is_key_exchange == 0 && strcmp(key->text, "!") == 0);
  key = omemo_listed_keys_get(keys, 2);
  CHECK(key->protocol == OMEMO2 && key->sender_device == 10 && key->device == 11);
  CHECK(strcmp(key->jid, "romeo@montague.example") == 0);
  omemo_listed_keys_free(keys);
  OK(omemo_listed_keys_read(XML("<message/>"), &keys, &error));
  CHECK(omemo_listed_keys_count(keys) == 0);
  omemo_listed_keys_free(keys);
  keys = (omemo_listed_keys *)UNTOUCHED;
  FAILS(OMEMO_ERROR_STANZA, omemo_listed_keys_read(XML("<message>"), &keys, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_listed_keys_read(NULL, 0, &keys, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_listed_keys_read(XML("<message/>"), NULL, &error));
  CHECK(keys == (omemo_listed_keys *)UNTOUCHED);
  CHECK(omemo_listed_keys_count(NULL) == 0 && omemo_listed_keys_get(NULL, 0) == NULL);
  omemo_listed_keys_free(NULL);
}

static void answers(void) {
  const char *xml = "<iq type='error' from='a@b' id='7'><error type='cancel'>"
                    "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                    "<precondition-not-met xmlns='http://jabber.org/protocol/pubsub#errors'/></error></iq>";
  omemo_iq_answer *answer = NULL;
  OK(omemo_iq_answer_read(XML(xml), &answer, &error));
  CHECK(omemo_iq_answer_is_error(answer) == 1 && omemo_iq_answer_has(answer, "precondition-not-met") == 1);
  CHECK(omemo_iq_answer_has(answer, "item-not-found") == 0 && omemo_iq_answer_has(answer, NULL) == 0);
  CHECK(strcmp(omemo_iq_answer_from(answer), "a@b") == 0 && strcmp(omemo_iq_answer_id(answer), "7") == 0);
  omemo_iq_answer_free(answer);
  OK(omemo_iq_answer_read(XML("<iq type='result'/>"), &answer, &error));
  CHECK(omemo_iq_answer_is_error(answer) == 0 && omemo_iq_answer_from(answer) == NULL);
  CHECK(omemo_iq_answer_id(answer) == NULL);
  omemo_iq_answer_free(answer);
  OK(omemo_iq_answer_read(XML("<iq type='get'/>"), &answer, &error));
  CHECK(answer == NULL);
  FAILS(OMEMO_ERROR_STANZA, omemo_iq_answer_read(XML("<iq"), &answer, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_answer_read(NULL, 0, &answer, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_iq_answer_read(XML("<iq/>"), NULL, &error));
}

static void stanzas_with_encrypted_content(void) {
  const char *xml = "<message from='juliet@capulet.example/balcony' to='romeo@montague.example' type='chat' id='5'>"
                    "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='27183'>"
                    "<keys jid='romeo@montague.example'><key rid='31415' kex='true'>AAEC</key></keys></header>"
                    "<payload>AAEC</payload></encrypted><store xmlns='urn:xmpp:hints'/></message>";
  const char *kept = "<message><delay xmlns='urn:xmpp:delay' from='a' stamp='1970-01-01T00:00:02Z'/>"
                     "<delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:03Z'/></message>";
  omemo_stanza *stanza = (omemo_stanza *)UNTOUCHED;
  const omemo_element *element;
  char *shell = NULL;
  size_t length = 0;
  FAILS(OMEMO_ERROR_NULL, omemo_stanza_read(NULL, 1, XML(xml), &stanza, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_stanza_read(ROMEO, 0, XML(xml), &stanza, &error));
  FAILS(OMEMO_ERROR_STANZA, omemo_stanza_read(ROMEO, 1, XML("<presence/>"), &stanza, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_stanza_read(ROMEO, 1, NULL, 1, &stanza, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_stanza_read(ROMEO, 1, XML(xml), NULL, &error));
  CHECK(stanza == (omemo_stanza *)UNTOUCHED);
  OK(omemo_stanza_read(ROMEO, 31415, XML(xml), &stanza, &error));
  CHECK(omemo_stanza_is_iq(stanza) == 0 && strcmp(omemo_stanza_from(stanza), JULIET "/balcony") == 0);
  CHECK(strcmp(omemo_stanza_to(stanza), ROMEO) == 0 && strcmp(omemo_stanza_type(stanza), "chat") == 0);
  CHECK(strcmp(omemo_stanza_id(stanza), "5") == 0 && omemo_stanza_element(stanza, LEGACY) == NULL);
  element = omemo_stanza_element(stanza, OMEMO2);
  CHECK(element->protocol == OMEMO2 && element->sender_device == 27183 && element->key_count == 1);
  CHECK(element->iv == NULL && element->payload_len == 3 && element->payload[2] == 2);
  omemo_stanza_free(stanza);
  OK(omemo_stanza_read(ROMEO, 1, XML("<iq/>"), &stanza, &error));
  CHECK(omemo_stanza_is_iq(stanza) == 1 && omemo_stanza_from(stanza) == NULL && omemo_stanza_id(stanza) == NULL);
  CHECK(omemo_stanza_delay_count(stanza) == 0 && omemo_stanza_delay_from(stanza, 0) == NULL);
  CHECK(omemo_stanza_delay_ms(stanza, 0) == 0);
  omemo_stanza_free(stanza);
  OK(omemo_stanza_read(ROMEO, 1, XML(kept), &stanza, &error));
  CHECK(omemo_stanza_delay_count(stanza) == 2 && strcmp(omemo_stanza_delay_from(stanza, 0), "a") == 0);
  CHECK(omemo_stanza_delay_ms(stanza, 0) == 2000 && omemo_stanza_delay_ms(stanza, 1) == 3000);
  CHECK(omemo_stanza_delay_from(stanza, 1) == NULL && omemo_stanza_delay_ms(stanza, 2) == 0);
  omemo_stanza_free(stanza);
  OK(omemo_stanza_strip(XML(xml), &shell, &length, &error));
  CHECK(is(shell, length,
           "<message from='juliet@capulet.example/balcony' to='romeo@montague.example' type='chat' id='5'>"
           "<store xmlns='urn:xmpp:hints'/></message>"));
  FAILS(OMEMO_ERROR_STANZA, omemo_stanza_strip(XML("<message>"), &shell, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_stanza_strip(NULL, 1, &shell, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_stanza_strip(XML(xml), NULL, &length, &error));
}

static void messages_in_clear(void) {
  const char *xml = "<message to='romeo@montague.example' id='7'><body>A &lt; B</body>"
                    "<reactions xmlns='urn:xmpp:reactions:0' id='x'/></message>";
  omemo_plain *plain = (omemo_plain *)UNTOUCHED;
  omemo_strings *names = NULL;
  omemo_content *content = NULL;
  uint8_t *payload = NULL, fits = 7;
  char *written = NULL;
  size_t length = 0;
  FAILS(OMEMO_ERROR_STANZA, omemo_plain_read(XML("<iq/>"), &plain, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_plain_read(NULL, 0, &plain, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_plain_read(XML(xml), NULL, &error));
  CHECK(plain == (omemo_plain *)UNTOUCHED);
  OK(omemo_plain_read(XML(xml), &plain, &error));
  CHECK(strcmp(omemo_plain_body(plain), "A < B") == 0);
  OK(omemo_plain_attribute(plain, "id", &written, &error));
  CHECK(strcmp(written, "7") == 0);
  omemo_string_free(written);
  OK(omemo_plain_attribute(plain, "lang", &written, &error));
  CHECK(written == NULL);
  FAILS(OMEMO_ERROR_NULL, omemo_plain_attribute(NULL, "id", &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_plain_attribute(plain, NULL, &written, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_plain_attribute(plain, "id", NULL, &error));
  OK(omemo_plain_unprotected(plain, &names, &error));
  CHECK(omemo_strings_count(names) == 1 && strcmp(omemo_strings_get(names, 0), "{urn:xmpp:reactions:0}reactions") == 0);
  omemo_strings_free(names);
  OK(omemo_plain_fits(plain, LEGACY, 0, &fits, &error));
  CHECK(fits == 1);
  OK(omemo_plain_fits(plain, LEGACY, OMEMO_UNPROTECTED_SKIP, &fits, &error));
  CHECK(fits == 0);
  OK(omemo_plain_payload(plain, LEGACY, JULIET, ROMEO, 0, &payload, &length, &error));
  CHECK(length == 5 && memcmp(payload, "A < B", 6) == 0);
  omemo_bytes_free(payload);
  OK(omemo_plain_payload(plain, OMEMO2, JULIET, ROMEO, 0, &payload, &length, &error));
  OK(omemo_content_read(OMEMO2, payload, length, JULIET, ROMEO, 0, &content, &error));
  CHECK(strstr(omemo_content_elements(content), "urn:xmpp:reactions:0") != NULL);
  CHECK(strcmp(omemo_content_body(content), "A < B") == 0 && omemo_content_sent_at_ms(content) == 0);
  CHECK(omemo_content_has_opt_out(content) == 0 && omemo_content_opt_out_reason(content) == NULL);
  OK(omemo_content_reveal(content, XML("<message id='1'><body>not this</body></message>"), &written, &length, &error));
  CHECK(strstr(written, "A &lt; B") != NULL && strstr(written, "not this") == NULL);
  omemo_string_free(written);
  OK(omemo_content_unauthenticated(content, XML("<message><body>a</body><subject>b</subject></message>"), &written,
                                   &length, &error));
  CHECK(is(written, length, "<subject xmlns='jabber:client'>b</subject>"));
  FAILS(OMEMO_ERROR_NULL, omemo_content_unauthenticated(NULL, XML("<message/>"), &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_content_unauthenticated(content, NULL, 0, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_content_unauthenticated(content, XML("<message/>"), NULL, &length, &error));
  FAILS(OMEMO_ERROR_STANZA, omemo_content_unauthenticated(content, XML("<message"), &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_content_reveal(NULL, XML("<message/>"), &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_content_reveal(content, NULL, 0, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_content_reveal(content, XML("<message/>"), NULL, &length, &error));
  FAILS(OMEMO_ERROR_STANZA, omemo_content_reveal(content, XML("<message"), &written, &length, &error));
  omemo_content_free(content);
  content = (omemo_content *)UNTOUCHED;
  FAILS(OMEMO_ERROR_STANZA_CONTENT, omemo_content_read(OMEMO2, payload, 10, JULIET, ROMEO, 0, &content, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_content_read(0, payload, 10, JULIET, ROMEO, 0, &content, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_content_read(OMEMO2, NULL, 0, JULIET, ROMEO, 0, &content, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_content_read(OMEMO2, payload, 10, NULL, ROMEO, 0, &content, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_content_read(OMEMO2, payload, 10, JULIET, NULL, 0, &content, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_content_read(OMEMO2, payload, 10, JULIET, ROMEO, 0, NULL, &error));
  CHECK(content == (omemo_content *)UNTOUCHED);
  omemo_bytes_free(payload);
#define PAYLOAD(plain, protocol, from, to, payload, length)                                                            \
  omemo_plain_payload(plain, protocol, from, to, 0, payload, length, &error)
  FAILS(OMEMO_ERROR_NULL, omemo_plain_payload(NULL, LEGACY, JULIET, ROMEO, 0, &payload, &length, &error));
  FAILS(OMEMO_ERROR_VALUE, PAYLOAD(plain, 0, JULIET, ROMEO, &payload, &length));
  FAILS(OMEMO_ERROR_NULL, PAYLOAD(plain, LEGACY, NULL, ROMEO, &payload, &length));
  FAILS(OMEMO_ERROR_NULL, PAYLOAD(plain, LEGACY, JULIET, NULL, &payload, &length));
  FAILS(OMEMO_ERROR_NULL, PAYLOAD(plain, LEGACY, JULIET, ROMEO, NULL, &length));
  FAILS(OMEMO_ERROR_NULL, PAYLOAD(plain, LEGACY, JULIET, ROMEO, &payload, NULL));
  FAILS(OMEMO_ERROR_NULL, omemo_plain_unprotected(NULL, &names, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_plain_unprotected(plain, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_plain_fits(NULL, LEGACY, 0, &fits, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_plain_fits(plain, LEGACY, 4, &fits, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_plain_fits(plain, LEGACY, 0, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_plain_seal(plain, NULL, 0, &written, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_sent_write(NULL, 0, &written, &length, &error));
  omemo_plain_free(plain);
  OK(omemo_plain_read(XML("<message><subject>x</subject></message>"), &plain, &error));
  CHECK(omemo_plain_body(plain) == NULL);
  FAILS(OMEMO_ERROR_STANZA_EMPTY, PAYLOAD(plain, LEGACY, JULIET, ROMEO, &payload, &length));
  omemo_plain_free(plain);
}

static void envelopes_and_opting_out(void) {
  const char *hint = "<store xmlns='urn:xmpp:hints'/>";
  char *opt_out = NULL, *envelope = NULL;
  size_t length = 0;
  omemo_content *content = NULL;
  OK(omemo_opt_out_write("compliance", &opt_out, &length, &error));
  CHECK(length == strlen(opt_out));
  FAILS(OMEMO_ERROR_STANZA, omemo_opt_out_write("\1", &opt_out, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_opt_out_write(NULL, NULL, &length, &error));
  OK(omemo_envelope_write(XML(opt_out), JULIET, ROMEO, NOW, &envelope, &length, &error));
  omemo_string_free(opt_out);
  CHECK(length >= 512);
  OK(omemo_content_read(OMEMO2, (uint8_t *)envelope, length, JULIET, ROMEO, 0, &content, &error));
  CHECK(omemo_content_has_opt_out(content) == 1 && omemo_content_body(content) == NULL);
  CHECK(strcmp(omemo_content_opt_out_reason(content), "compliance") == 0 && omemo_content_sent_at_ms(content) == NOW);
  omemo_content_free(content);
  OK(omemo_content_read(OMEMO2, (uint8_t *)envelope, length, JULIET, ROMEO, 1, &content, &error));
  omemo_content_free(content);
  omemo_string_free(envelope);
  FAILS(OMEMO_ERROR_STANZA_ENVELOPE, omemo_envelope_write(XML(hint), JULIET, ROMEO, NOW, &envelope, &length, &error));
  FAILS(OMEMO_ERROR_STANZA_ENVELOPE, omemo_envelope_write(XML("text"), JULIET, ROMEO, NOW, &envelope, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_envelope_write(NULL, 1, JULIET, ROMEO, NOW, &envelope, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_envelope_write(XML(hint), NULL, ROMEO, NOW, &envelope, &length, &error));
  FAILS(OMEMO_ERROR_JID, omemo_envelope_write(XML(hint), JULIET, "@", NOW, &envelope, &length, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_envelope_write(XML(hint), JULIET, ROMEO, NOW, NULL, &length, &error));
}

static void messages_inside_others(void) {
  const char *xml = "<message from='romeo@montague.example'><result xmlns='urn:xmpp:mam:2' queryid='q' id='i'>"
                    "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:02Z'/>"
                    "<message xmlns='jabber:client'><body>x</body></message></forwarded></result></message>";
  omemo_forwarded *forwarded = NULL;
  OK(omemo_forwarded_read(XML(xml), &forwarded, &error));
  CHECK(forwarded->reason == OMEMO_FORWARD_ARCHIVED && forwarded->sent_at_ms == 2000);
  CHECK(strcmp(forwarded->from, ROMEO) == 0 && strcmp(forwarded->query_id, "q") == 0);
  CHECK(strcmp(forwarded->archive_namespace, "urn:xmpp:mam:2") == 0);
  CHECK(strcmp(forwarded->archive_id, "i") == 0 && forwarded->message_len == strlen(forwarded->message));
  CHECK(strcmp(forwarded->message, "<message xmlns='jabber:client'><body>x</body></message>") == 0);
  omemo_forwarded_free(forwarded);
  xml = "<message><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client'/></forwarded></sent></message>";
  OK(omemo_forwarded_read(XML(xml), &forwarded, &error));
  CHECK(forwarded->reason == OMEMO_FORWARD_SENT && forwarded->sent_at_ms == 0);
  CHECK(forwarded->from == NULL && forwarded->query_id == NULL && forwarded->archive_id == NULL);
  CHECK(forwarded->archive_namespace == NULL);
  omemo_forwarded_free(forwarded);
  OK(omemo_forwarded_read(XML("<message/>"), &forwarded, &error));
  CHECK(forwarded == NULL);
  FAILS(OMEMO_ERROR_STANZA, omemo_forwarded_read(XML("<message>"), &forwarded, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_forwarded_read(NULL, 0, &forwarded, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_forwarded_read(XML("<message/>"), NULL, &error));
}

int main(void) {
  omemo_store *store = NULL;
  OK(omemo_store_open_memory(&store, &error));
  person_open(&juliet, store, JULIET);
  device_lists();
  bundles();
  requests();
  what_a_node_holds();
  keys_for_all_devices();
  answers();
  stanzas_with_encrypted_content();
  messages_in_clear();
  envelopes_and_opting_out();
  messages_inside_others();
  person_close(&juliet);
  omemo_store_unref(store);
  return 0;
}
