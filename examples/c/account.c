/*
 * Juliet writes to Romeo, and he answers, with accounts alone: for a client that fetches, publishes and retries by
 * itself, and wants the rest from the library. Who has none of that yet takes the client instead: loopback.c.
 *
 *     cc account.c $(pkg-config --cflags --libs omemo) -o account && ./account
 *
 * What is missing is the stream. A person has beside the account what the server has of it; where that is looked
 * at, your client asks the server.
 */
#include <omemo.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The library has no clock. */
static uint64_t now_ms(void) {
  return (uint64_t)time(NULL) * 1000;
}

/* This example ends at the first error; a client shows it, and tries again where omemo_error_remedy says so. */
static omemo_error *error;
static void check(omemo_status status) {
  if (status != OMEMO_OK) {
    fprintf(stderr, "%s: %s\n", omemo_error_stage(error), omemo_error_message(error));
    exit(1);
  }
}

enum { VERSIONS = 2 };
static const omemo_protocol versions[VERSIONS] = {OMEMO_PROTOCOL_LEGACY, OMEMO_PROTOCOL_OMEMO2};

typedef struct {
  const char *jid;
  omemo_account *account;
  uint32_t device;
  /* What the server has of it, in each version. */
  char *list[VERSIONS], *bundle[VERSIONS];
  int messages;
} person;

/* Step 1: open. An account is one device; it is made when it is opened for the first time. */
static void open_account(person *p, omemo_store *store, const char *jid) {
  omemo_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.trust = OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED; /* all else is as recommended */
  memset(p, 0, sizeof *p);
  p->jid = jid;
  check(omemo_account_open(store, jid, &options, now_ms(), &p->account, &error));
  check(omemo_account_device(p->account, &p->device, &error));
}

/*
 * Step 2: publish what is due, after connecting and after each message that began a session. Say that it was
 * published when the server has answered, not before. omemo_iq_publish_bundle and omemo_iq_publish_device_list
 * write what goes into the <iq/>, omemo_iq_configure what makes a node readable for all.
 */
static void publish(person *p) {
  int i;
  for (i = 0; i < VERSIONS; i++) {
    omemo_bundle *bundle = NULL;
    omemo_device_list *list = NULL;
    uint64_t revision = 0;
    uint8_t is_due = 0;
    check(omemo_account_bundle(p->account, versions[i], &bundle, &revision, &is_due, &error));
    if (is_due) {
      omemo_string_free(p->bundle[i]);
      check(omemo_bundle_write(bundle, &p->bundle[i], NULL, &error));
      check(omemo_account_bundle_published(p->account, versions[i], revision, &error));
    }
    omemo_bundle_free(bundle);
    /* Fetch your own list first, so that no other device of the account falls off it; here there is none. */
    check(omemo_account_own_device_list(p->account, versions[i], &list, &error));
    omemo_string_free(p->list[i]);
    check(omemo_device_list_write(list, &p->list[i], NULL, &error));
    check(omemo_account_device_list_published(p->account, versions[i], now_ms(), &error));
    omemo_device_list_free(list);
  }
}

/*
 * Step 3: take every device list that comes, asked for or not; omemo_items_read finds it in a stanza. An address that
 * has no list has an empty one: omemo_device_list_new.
 */
static void take_list(person *p, const person *of, int i) {
  omemo_device_list *list = NULL;
  check(omemo_device_list_read(versions[i], of->list[i], strlen(of->list[i]), &list, &error));
  check(omemo_account_set_device_list(p->account, of->jid, list, now_ms(), NULL, &error));
  omemo_device_list_free(list);
}

/* A payload of each version, as each recipient reads one: legacy has a text, OMEMO 2 the whole content. */
typedef struct {
  uint8_t *bytes[VERSIONS];
  size_t len[VERSIONS];
} payloads;

static void make_payloads(const omemo_plain *plain, const person *from, const person *to, payloads *made) {
  int i;
  for (i = 0; i < VERSIONS; i++) {
    check(omemo_plain_payload(plain, versions[i], from->jid, to->jid, now_ms(), &made->bytes[i], &made->len[i],
                              &error));
  }
}

/* What became of each device: why one does not read a message is never a secret. */
static void show_report(const omemo_sent *sent) {
  size_t i;
  for (i = 0; i < omemo_sent_device_count(sent); i++) {
    const omemo_device_report *device = omemo_sent_device(sent, i);
    printf("  for %s, device %u: %s\n", device->jid, (unsigned)device->device,
           device->reason ? device->reason : "encrypted");
  }
}

/*
 * Step 4: encrypt. First what is missing: lists that were never seen, and bundles of devices without a session.
 * What you could not get you leave out, and the report says so.
 */
static char *encrypt(person *p, const person *to, const char *message) {
  omemo_peers *lists = NULL, *bundles = NULL;
  omemo_plain *plain = NULL;
  omemo_sent *sent = NULL;
  omemo_outgoing outgoing;
  omemo_fetched_bundle *fetched;
  payloads made;
  char *stanza = NULL;
  size_t i, count;

  check(omemo_account_missing(p->account, &to->jid, 1, 1, 1, &lists, &bundles, &error));
  for (i = 0; i < omemo_peers_count(lists); i++) {
    const omemo_peer *peer = omemo_peers_get(lists, i);
    take_list(p, strcmp(peer->jid, p->jid) == 0 ? p : to, peer->protocol == OMEMO_PROTOCOL_LEGACY ? 0 : 1);
  }
  omemo_peers_free(lists);
  omemo_peers_free(bundles);
  bundles = NULL;
  check(omemo_account_missing(p->account, &to->jid, 1, 1, 1, &lists, &bundles, &error));
  count = omemo_peers_count(bundles);
  fetched = (omemo_fetched_bundle *)calloc(count + 1, sizeof *fetched);
  for (i = 0; fetched != NULL && i < count; i++) {
    const char *xml;
    omemo_bundle *bundle = NULL;
    fetched[i].peer = *omemo_peers_get(bundles, i);
    xml = to->bundle[fetched[i].peer.protocol == OMEMO_PROTOCOL_LEGACY ? 0 : 1];
    /* One that cannot be read: `is_broken`. None: neither. */
    fetched[i].is_broken = omemo_bundle_read(fetched[i].peer.protocol, xml, strlen(xml), &bundle, NULL) != OMEMO_OK;
    fetched[i].bundle = bundle;
  }

  check(omemo_plain_read(message, strlen(message), &plain, &error));
  make_payloads(plain, p, to, &made);
  memset(&outgoing, 0, sizeof outgoing);
  outgoing.struct_size = sizeof outgoing;
  outgoing.recipients = &to->jid;
  outgoing.recipient_count = 1;
  outgoing.legacy = made.bytes[0];
  outgoing.legacy_len = made.len[0];
  outgoing.omemo2 = made.bytes[1];
  outgoing.omemo2_len = made.len[1];
  outgoing.bundles = fetched;
  outgoing.bundle_count = fetched != NULL ? count : 0;
  /* It is stored as sent when this returns. What you send may be lost and sent again; it is not encrypted again. */
  check(omemo_account_encrypt(p->account, &outgoing, now_ms(), &sent, &error));
  show_report(sent);
  check(omemo_plain_seal(plain, sent, 0, &stanza, NULL, &error));

  for (i = 0; fetched != NULL && i < count; i++) {
    omemo_bundle_free((omemo_bundle *)fetched[i].bundle);
  }
  free(fetched);
  for (i = 0; i < VERSIONS; i++) {
    omemo_bytes_free(made.bytes[i]);
  }
  omemo_peers_free(lists);
  omemo_peers_free(bundles);
  omemo_plain_free(plain);
  omemo_sent_free(sent);
  return stanza;
}

/* A message that was read, put together with what the stanza had in clear, as if it had come like that. */
static void show_message(person *p, const omemo_reading *reading) {
  const omemo_delivery *delivery = omemo_reading_delivery(reading);
  omemo_content *content = NULL;
  size_t payload_len = 0, shell_len = 0;
  const uint8_t *payload = omemo_reading_payload(reading, &payload_len);
  const char *shell = (const char *)omemo_reading_attached(reading, &shell_len);
  char *clear = NULL;
  check(omemo_content_read(delivery->protocol, payload, payload_len, omemo_reading_sender(reading), p->jid, 0, &content,
                           &error));
  check(omemo_content_reveal(content, shell, shell_len, &clear, NULL, &error));
  printf("%s reads of %s, device %u: %s\n", p->jid, omemo_reading_sender(reading), (unsigned)delivery->device, clear);
  p->messages++;
  omemo_string_free(clear);
  omemo_content_free(content);
  /* Your database has it: from now on it does not come again. Until then omemo_account_inbox has it. */
  check(omemo_account_acknowledge(p->account, omemo_reading_message_id(reading), 1, NULL, &error));
}

/*
 * Step 5: decrypt. The sender is the account that the server names; in a room, the occupant's. What is left of the
 * stanza without its encrypted part goes with the message, so that both are there after a crash.
 */
static void decrypt(person *p, const char *sender, const char *xml) {
  omemo_stanza *stanza = NULL;
  omemo_reading *reading = NULL;
  omemo_incoming incoming;
  char *shell = NULL;
  check(omemo_stanza_read(p->jid, p->device, xml, strlen(xml), &stanza, &error));
  check(omemo_stanza_strip(xml, strlen(xml), &shell, NULL, &error));
  memset(&incoming, 0, sizeof incoming);
  incoming.struct_size = sizeof incoming;
  incoming.senders = &sender;
  incoming.sender_count = 1;
  incoming.stanza = stanza;
  incoming.attached = (const uint8_t *)shell;
  incoming.attached_len = strlen(shell);
  check(omemo_account_decrypt(p->account, &incoming, now_ms(), &reading, &error));
  switch (omemo_reading_outcome(reading)) {
  case OMEMO_OUTCOME_MESSAGE:
    show_message(p, reading);
    break;
  case OMEMO_OUTCOME_EMPTY:
    printf("%s is sent an empty message, which shows nothing\n", p->jid);
    break;
  case OMEMO_OUTCOME_FAILED:
    printf("%s cannot read it: %s\n", p->jid, omemo_reading_failure(reading)->reason);
    break;
  default: /* a duplicate, our own, or nothing for this device */
    break;
  }
  omemo_reading_free(reading);
  omemo_stanza_free(stanza);
  omemo_string_free(shell);
}

/*
 * Step 6: upkeep, after each stanza or page. Who began a session goes on with key exchanges until something comes
 * back, so an empty message is owed to him. omemo_account_repairs_due names sessions that need a new beginning.
 */
static void answer(person *p, person *to) {
  omemo_due_answers *answers = NULL;
  size_t i;
  check(omemo_account_answers_due(p->account, &answers, &error));
  for (i = 0; i < omemo_due_answers_count(answers); i++) {
    const omemo_due_answer *due = omemo_due_answers_get(answers, i);
    omemo_sent *sent = NULL;
    char *encrypted = NULL, *stanza;
    check(omemo_account_encrypt_empty(p->account, &due->peer, NULL, now_ms(), &sent, &error));
    check(omemo_sent_write(sent, 0, &encrypted, NULL, &error));
    stanza = (char *)malloc(strlen(encrypted) + 200);
    if (stanza != NULL) {
      sprintf(stanza, "<message from='%s' to='%s' type='chat'>%s</message>", p->jid, due->peer.jid, encrypted);
      decrypt(to, p->jid, stanza);
    }
    free(stanza);
    omemo_string_free(encrypted);
    omemo_sent_free(sent);
  }
  omemo_due_answers_free(answers);
}

static void close_account(person *p) {
  int i;
  for (i = 0; i < VERSIONS; i++) {
    omemo_string_free(p->list[i]);
    omemo_string_free(p->bundle[i]);
  }
  omemo_account_unref(p->account);
}

int main(void) {
  omemo_store *store = NULL;
  person juliet, romeo;
  char *stanza;

  /* In memory here; omemo_store_open_sqlite keeps it. One store may hold any number of accounts. */
  check(omemo_store_open_memory(&store, &error));
  open_account(&juliet, store, "juliet@capulet.example");
  open_account(&romeo, store, "romeo@montague.example");
  omemo_store_unref(store); /* the accounts have references of their own */
  publish(&juliet);
  publish(&romeo);

  printf("Juliet writes\n");
  stanza = encrypt(&juliet, &romeo,
                   "<message from='juliet@capulet.example/balcony' to='romeo@montague.example' type='chat' id='1'>"
                   "<body>Wherefore art thou Romeo?</body></message>");
  decrypt(&romeo, juliet.jid, stanza);
  omemo_string_free(stanza);

  /* She is known now, as the user answers; before that nothing goes to her by itself. */
  check(omemo_account_set_accepted(romeo.account, juliet.jid, 1, now_ms(), &error));
  answer(&romeo, &juliet);
  publish(&romeo); /* a pre-key was used */

  printf("Romeo writes\n");
  stanza = encrypt(&romeo, &juliet,
                   "<message from='romeo@montague.example/orchard' to='juliet@capulet.example' type='chat' id='2'>"
                   "<body>I take thee at thy word</body></message>");
  decrypt(&juliet, romeo.jid, stanza);
  omemo_string_free(stanza);

  close_account(&juliet);
  close_account(&romeo);
  return juliet.messages == 1 && romeo.messages == 1 ? 0 : 1;
}
