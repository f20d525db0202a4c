/* Accounts without clients: device lists, empty messages, repair. */
#include "pair.h"

static omemo_store *store;
static person juliet, romeo;
#define LEGACY OMEMO_PROTOCOL_LEGACY

static void a_list_says_what_it_has_changed(void) {
  const uint32_t ids[] = {11, 12}, others[] = {12};
  omemo_device_list *list = NULL;
  omemo_list_change *change = NULL;
  const char *mercutio = "mercutio@verona.example";
  OK(omemo_device_list_new(LEGACY, ids, 2, &list, &error));
  OK(omemo_account_set_device_list(juliet.account, mercutio, list, NOW, &change, &error));
  omemo_device_list_free(list);
  CHECK(change->added_count == 2 && change->added[0] == 11 && change->added[1] == 12);
  CHECK(change->removed_count == 0 && change->downgraded_count == 0 && change->is_to_announce == 0);
  omemo_list_change_free(change);
  OK(omemo_device_list_new(LEGACY, others, 1, &list, &error));
  OK(omemo_account_set_device_list(juliet.account, mercutio, list, NOW, &change, &error));
  CHECK(change->added_count == 0 && change->removed_count == 1 && change->removed[0] == 11);
  omemo_list_change_free(change);
  /* The own list, without the own device. */
  OK(omemo_account_set_device_list(juliet.account, JULIET, list, NOW, &change, &error));
  CHECK(change->is_to_announce == 1 && change->announce_at_ms >= NOW);
  omemo_list_change_free(change);
  change = (omemo_list_change *)UNTOUCHED;
  FAILS(OMEMO_ERROR_NULL, omemo_account_set_device_list(NULL, JULIET, list, NOW, &change, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_set_device_list(juliet.account, NULL, list, NOW, &change, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_set_device_list(juliet.account, JULIET, NULL, NOW, &change, &error));
  CHECK(change == (omemo_list_change *)UNTOUCHED);
  omemo_device_list_free(list);
  OK(omemo_account_own_device_list(juliet.account, LEGACY, &list, &error));
  CHECK(omemo_device_list_protocol(list) == LEGACY && omemo_device_list_count(list) == 2);
  CHECK(omemo_device_list_get(list, 0)->id == 12 && omemo_device_list_get(list, 1)->id == juliet.device);
  omemo_device_list_free(list);
  OK(omemo_account_remove_own_devices(juliet.account, others, 1, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_own_device_list(NULL, LEGACY, &list, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_own_device_list(juliet.account, LEGACY, NULL, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_own_device_list(juliet.account, 0, &list, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_device_list_published(NULL, LEGACY, NOW, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_device_list_published(juliet.account, 0, NOW, &error));
}

static void a_taken_id_is_changed(void) {
  omemo_options options;
  omemo_account *account = NULL;
  user with_client;
  server world;
  uint32_t before = 0, after = 0, nobody = 0;
  options_init(&options);
  OK(omemo_account_open(store, "paris@verona.example", &options, NOW, &account, &error));
  OK(omemo_account_device(account, &before, &error));
  OK(omemo_account_change_device_id(account, &before, 1, &error));
  OK(omemo_account_device(account, &after, &error));
  CHECK(after != before);
  FAILS(OMEMO_ERROR_NULL, omemo_account_change_device_id(NULL, &before, 1, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_change_device_id(account, NULL, 1, &error));
  FAILS(OMEMO_ERROR_VALUE, omemo_account_change_device_id(account, &nobody, 1, &error));
  omemo_account_unref(account);
  memset(&world, 0, sizeof world);
  user_open(&with_client, &world, store, "tybalt@capulet.example", &options);
  FAILS(OMEMO_ERROR_STATE, omemo_account_change_device_id(with_client.account, NULL, 0, &error));
  user_close(&with_client);
}

static void answers_are_owed_to_those_who_are_accepted(void) {
  char *stanza = person_write(&juliet, &romeo, LEGACY, "Romeo?"), *xml = NULL;
  omemo_due_answers *answers = NULL;
  omemo_peer peer;
  omemo_sent *sent = NULL;
  omemo_error *error = NULL;
  omemo_reading *reading;
  omemo_bundle *bundle = person_bundle(&juliet, LEGACY);
  size_t length = 0;
  omemo_reading_free(person_read(&romeo, JULIET, stanza));
  omemo_string_free(stanza);
  OK(omemo_account_answers_due(romeo.account, &answers, &error));
  CHECK(omemo_due_answers_count(answers) == 0);
  omemo_due_answers_free(answers);
  peer.jid = JULIET;
  peer.device = juliet.device;
  peer.protocol = LEGACY;
  sent = (omemo_sent *)UNTOUCHED;
  FAILS(OMEMO_ERROR_NOT_ACCEPTED, omemo_account_encrypt_empty(romeo.account, &peer, NULL, NOW, &sent, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_set_accepted(NULL, JULIET, 1, NOW, &error));
  FAILS(OMEMO_ERROR_JID, omemo_account_set_accepted(romeo.account, "@", 1, NOW, &error));
  OK(omemo_account_set_accepted(romeo.account, JULIET, 1, NOW, &error));
  OK(omemo_account_answers_due(romeo.account, &answers, &error));
  CHECK(omemo_due_answers_count(answers) == 1 && omemo_due_answers_get(answers, 1) == NULL);
  CHECK(omemo_due_answers_get(answers, 0)->since_ms == NOW && omemo_due_answers_get(answers, 0)->is_heartbeat == 0);
  CHECK(strcmp(omemo_due_answers_get(answers, 0)->peer.jid, JULIET) == 0);
  FAILS(OMEMO_ERROR_NULL, omemo_account_encrypt_empty(NULL, &peer, NULL, NOW, &sent, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_encrypt_empty(romeo.account, NULL, NULL, NOW, &sent, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_encrypt_empty(romeo.account, &peer, NULL, NOW, NULL, &error));
  peer.device++;
  CHECK(omemo_account_encrypt_empty(romeo.account, &peer, NULL, NOW, &sent, &error) == OMEMO_ERROR_GAP);
  CHECK(omemo_error_device_count(error) == 1 && omemo_error_device(error, 0)->gap == OMEMO_GAP_NO_SESSION);
  CHECK(strcmp(omemo_error_device(error, 0)->jid, JULIET) == 0 && omemo_error_device(error, 0)->device == peer.device);
  CHECK(omemo_error_refusal(error) == NULL && strstr(omemo_error_message(error), JULIET) == NULL);
  omemo_error_free(error);
  CHECK(sent == (omemo_sent *)UNTOUCHED);
  OK(omemo_account_encrypt_empty(romeo.account, &omemo_due_answers_get(answers, 0)->peer, bundle, NOW, &sent, &error));
  omemo_due_answers_free(answers);
  CHECK(omemo_sent_device_count(sent) == 1 && omemo_sent_device(sent, 0)->gap == OMEMO_GAP_NONE);
  CHECK(omemo_sent_element(sent, LEGACY)->payload == NULL && omemo_sent_element(sent, LEGACY)->key_count == 1);
  OK(omemo_sent_write(sent, 0, &xml, &length, &error));
  CHECK(length == strlen(xml) && strstr(xml, "<store") != NULL && strstr(xml, "<body") == NULL);
  stanza = (char *)malloc(length + 200);
  sprintf(stanza, "<message from='%s/o' to='%s'>%s</message>", ROMEO, JULIET, xml);
  reading = person_read(&juliet, ROMEO, stanza);
  CHECK(omemo_reading_outcome(reading) == OMEMO_OUTCOME_EMPTY && omemo_reading_has_payload(reading) == 0);
  CHECK(omemo_reading_delivery(reading)->device == romeo.device && strcmp(omemo_reading_sender(reading), ROMEO) == 0);
  omemo_reading_free(reading);
  free(stanza);
  omemo_string_free(xml);
  omemo_sent_free(sent);
  OK(omemo_account_answers_due(romeo.account, &answers, &error));
  CHECK(omemo_due_answers_count(answers) == 0);
  omemo_due_answers_free(answers);
  FAILS(OMEMO_ERROR_NULL, omemo_account_answers_due(NULL, &answers, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_answers_due(romeo.account, NULL, &error));
  omemo_bundle_free(bundle);
}

static void a_lost_session_is_repaired(void) {
  char *stanza;
  omemo_reading *reading;
  omemo_peers *due = NULL;
  omemo_bundle *bundle = person_bundle(&juliet, LEGACY);
  omemo_peer peer;
  omemo_sent *sent = NULL;
  OK(omemo_account_repairs_due(romeo.account, NOW, &due, &error));
  CHECK(omemo_peers_count(due) == 0);
  omemo_peers_free(due);
  OK(omemo_account_forget(romeo.account, JULIET, &error));
  stanza = person_write(&juliet, &romeo, LEGACY, "Dost thou hear?");
  reading = person_read(&romeo, JULIET, stanza);
  CHECK(omemo_reading_failure(reading)->kind == OMEMO_UNDECRYPTABLE_NO_SESSION);
  CHECK(omemo_reading_failure(reading)->may_be_read_later == 1);
  omemo_reading_free(reading);
  OK(omemo_account_repairs_due(romeo.account, NOW, &due, &error));
  CHECK(omemo_peers_count(due) == 1 && omemo_peers_get(due, 0)->device == juliet.device);
  peer = *omemo_peers_get(due, 0);
  FAILS(OMEMO_ERROR_NULL, omemo_account_repair(NULL, &peer, bundle, NOW, &sent, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_repair(romeo.account, NULL, bundle, NOW, &sent, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_repair(romeo.account, &peer, NULL, NOW, &sent, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_repair(romeo.account, &peer, bundle, NOW, NULL, &error));
  OK(omemo_account_repair(romeo.account, &peer, bundle, NOW, &sent, &error));
  CHECK(omemo_sent_key(sent, LEGACY, 0)->is_key_exchange == 1 && omemo_sent_key(sent, LEGACY, 1) == NULL);
  omemo_sent_free(sent);
  omemo_peers_free(due);
  OK(omemo_account_repairs_due(romeo.account, NOW, &due, &error));
  CHECK(omemo_peers_count(due) == 0);
  omemo_peers_free(due);
  FAILS(OMEMO_ERROR_NULL, omemo_account_repairs_due(NULL, NOW, &due, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_repairs_due(romeo.account, NOW, NULL, &error));
  peer.jid = JULIET;
  OK(omemo_account_repair_failed(romeo.account, &peer, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_repair_failed(NULL, &peer, NOW, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_repair_failed(romeo.account, NULL, NOW, &error));
  peer.device = 0;
  FAILS(OMEMO_ERROR_VALUE, omemo_account_repair_failed(romeo.account, &peer, NOW, &error));
  omemo_string_free(stanza);
  omemo_bundle_free(bundle);
}

static void the_user_ends_sessions(void) {
  omemo_peers *reset = NULL, *lists = NULL, *bundles = NULL;
  const char *recipient = ROMEO;
  OK(omemo_account_missing(juliet.account, &recipient, 1, 1, 0, &lists, &bundles, &error));
  CHECK(omemo_peers_count(bundles) == 0);
  omemo_peers_free(lists);
  omemo_peers_free(bundles);
  OK(omemo_account_reset_sessions(juliet.account, ROMEO, romeo.device + 1, NOW, NULL, &error));
  OK(omemo_account_reset_sessions(juliet.account, ROMEO, 0, NOW, &reset, &error));
  CHECK(omemo_peers_count(reset) == 1 && omemo_peers_get(reset, 0)->device == romeo.device);
  omemo_peers_free(reset);
  OK(omemo_account_missing(juliet.account, &recipient, 1, 1, 0, &lists, &bundles, &error));
  CHECK(omemo_peers_count(bundles) == 1);
  omemo_peers_free(lists);
  omemo_peers_free(bundles);
  FAILS(OMEMO_ERROR_NULL, omemo_account_reset_sessions(NULL, ROMEO, 0, NOW, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_reset_sessions(juliet.account, NULL, 0, NOW, NULL, &error));
}

static void a_survey_shows_no_secret(void) {
  omemo_survey *survey = NULL;
  omemo_peer_surveys *peers = NULL;
  const omemo_session_survey *session;
  uint32_t order = 7;
  uint64_t catch_up = 0;
  OK(omemo_account_begin_catch_up(romeo.account, OMEMO_ORDER_NEWEST_FIRST, NOW + 5, &catch_up, &error));
  OK(omemo_account_survey(romeo.account, &survey, &error));
  CHECK(omemo_survey_version(survey, 0)->protocol == LEGACY && omemo_survey_version(survey, 2) == NULL);
  CHECK(omemo_survey_version(survey, 0)->used == 0 && omemo_survey_version(survey, 0)->oldest_used_ms == 0 &&
        omemo_survey_version(survey, 0)->offered == 100);
  CHECK(omemo_survey_version(survey, 0)->bundle == OMEMO_BUNDLE_OUTDATED);
  CHECK(omemo_survey_version(survey, 1)->bundle == OMEMO_BUNDLE_PUBLISHED);
  CHECK(omemo_survey_version(survey, 1)->signed_pre_key_created_ms == NOW);
  CHECK(strcmp(omemo_survey_consumer(survey, 0)->name, "application") == 0 && omemo_survey_consumer(survey, 1) == NULL);
  CHECK(omemo_survey_consumer(survey, 0)->messages == 0 && omemo_survey_written(survey) == UINT64_MAX);
  CHECK(omemo_survey_catch_up(survey, &order) == NOW + 5 && order == OMEMO_ORDER_NEWEST_FIRST);
  omemo_survey_free(survey);
  OK(omemo_account_end_catch_up(romeo.account, catch_up, NOW + 6, &error));
  OK(omemo_account_survey(romeo.account, &survey, &error));
  CHECK(omemo_survey_catch_up(survey, NULL) == 0);
  omemo_survey_free(survey);
  OK(omemo_account_peers(romeo.account, JULIET, &peers, &error));
  CHECK(omemo_peer_surveys_count(peers) == 2 && omemo_peer_surveys_get(peers, 2) == NULL);
  CHECK(omemo_peer_surveys_get(peers, 0)->peer.device == juliet.device);
  CHECK(omemo_peer_surveys_get(peers, 0)->session_count == 1 && omemo_peer_surveys_get(peers, 0)->repairs == 2);
  session = omemo_peer_surveys_session(peers, 0, 0);
  CHECK(session->state == OMEMO_SESSION_CURRENT && session->is_initiated == 1 && session->is_answered == 0);
  CHECK(session->sent == 1 && session->skipped == 0 && session->created_ms == NOW);
  CHECK(omemo_peer_surveys_session(peers, 0, 1) == NULL && omemo_peer_surveys_session(peers, 2, 0) == NULL);
  omemo_peer_surveys_free(peers);
  FAILS(OMEMO_ERROR_NULL, omemo_account_survey(NULL, &survey, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_survey(romeo.account, NULL, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_peers(NULL, JULIET, &peers, &error));
  FAILS(OMEMO_ERROR_NULL, omemo_account_peers(romeo.account, JULIET, NULL, &error));
  FAILS(OMEMO_ERROR_JID, omemo_account_peers(romeo.account, "@", &peers, &error));
  CHECK(omemo_survey_version(NULL, 0) == NULL && omemo_survey_consumer(NULL, 0) == NULL);
  CHECK(omemo_survey_catch_up(NULL, NULL) == 0 && omemo_survey_written(NULL) == UINT64_MAX);
  omemo_survey_free(NULL);
  CHECK(omemo_peer_surveys_count(NULL) == 0 && omemo_peer_surveys_get(NULL, 0) == NULL);
  CHECK(omemo_peer_surveys_session(NULL, 0, 0) == NULL);
  omemo_peer_surveys_free(NULL);
}

int main(void) {
  OK(omemo_store_open_memory(&store, &error));
  person_open(&juliet, store, JULIET);
  person_open(&romeo, store, ROMEO);
  a_list_says_what_it_has_changed();
  person_meet(&juliet, &romeo);
  person_meet(&romeo, &juliet);
  a_taken_id_is_changed();
  answers_are_owed_to_those_who_are_accepted();
  a_lost_session_is_repaired();
  a_survey_shows_no_secret();
  the_user_ends_sessions();
  person_close(&juliet);
  person_close(&romeo);
  omemo_store_unref(store);
  return 0;
}
