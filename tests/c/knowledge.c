/* Device lists that nobody can tell, and streams that are resumed. */
#include "test.h"

static server world;
static user juliet;
#define ROMEO "romeo@montague.example"
#define LATER (NOW + 120000)

static void open_juliet(void) {
  omemo_store *store = NULL;
  omemo_options options;
  options_init(&options);
  OK(omemo_store_open_memory(&store, &error));
  user_open(&juliet, &world, store, "juliet@capulet.example", &options);
  omemo_store_unref(store);
  user_connect(&juliet);
  settle(&juliet, 1);
}

/* Nobody answers: that is no account without devices. */
static void a_silent_server_is_told_apart(void) {
  omemo_action *action = NULL;
  uint64_t ticket;
  size_t i;
  int is_refused = 0;
  juliet.answers = 0;
  ticket = user_say(&juliet, ROMEO, "x");
  user_act(&juliet);
  CHECK(juliet.refused == 0);
  OK(omemo_client_tick(juliet.client, LATER, &error));
  for (;;) {
    OK(omemo_client_next_action(juliet.client, &action, &error));
    if (action == NULL) {
      break;
    }
    if (omemo_action_kind(action) == OMEMO_ACTION_REFUSED) {
      const omemo_refusal *refusal = omemo_action_refusal(action);
      is_refused = 1;
      CHECK(omemo_action_ticket(action) == ticket && refusal->kind == OMEMO_REFUSAL_UNREACHABLE);
      CHECK(strcmp(refusal->jid, ROMEO) == 0 && refusal->reason != NULL);
      CHECK(omemo_action_list_count(action) == 2 && omemo_action_list(action, 2) == NULL);
      for (i = 0; i < 2; i++) {
        const omemo_list_report *list = omemo_action_list(action, i);
        CHECK(strcmp(list->jid, ROMEO) == 0 && list->is_known == 0 && list->reason != NULL);
        CHECK(list->protocol == OMEMO_PROTOCOL_LEGACY || list->protocol == OMEMO_PROTOCOL_OMEMO2);
      }
    }
    omemo_action_free(action);
    action = NULL;
  }
  CHECK(is_refused);
  CHECK(omemo_action_list_count(NULL) == 0 && omemo_action_list(NULL, 0) == NULL);
  CHECK(omemo_sent_list_count(NULL) == 0 && omemo_sent_list(NULL, 0) == NULL);
  juliet.answers = 1;
}

static int requests(void) {
  omemo_action *action = NULL;
  int count = 0;
  for (;;) {
    OK(omemo_client_next_action(juliet.client, &action, &error));
    if (action == NULL) {
      return count;
    }
    count += omemo_action_kind(action) == OMEMO_ACTION_REQUEST;
    omemo_action_free(action);
    action = NULL;
  }
}

/* What was answered on a stream is known on the same stream, and asked for again on another. */
static void a_resumed_stream_is_the_same(void) {
  OK(omemo_client_disconnected(juliet.client, &error));
  OK(omemo_client_resumed(juliet.client, LATER, &error));
  CHECK(requests() == 0);
  OK(omemo_client_disconnected(juliet.client, &error));
  OK(omemo_client_connected(juliet.client, LATER, &error));
  CHECK(requests() == 4);
  FAILS(OMEMO_ERROR_NULL, omemo_client_resumed(NULL, LATER, &error));
}

int main(void) {
  open_juliet();
  a_silent_server_is_told_apart();
  a_resumed_stream_is_the_same();
  user_close(&juliet);
  server_free(&world);
  return 0;
}
