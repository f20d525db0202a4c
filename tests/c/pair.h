/* Two accounts without clients, who keep their own XML: what is published of one is known to the other. */
#ifndef PAIR_H
#define PAIR_H

#include "test.h"

#define JULIET "juliet@capulet.example"
#define ROMEO "romeo@montague.example"

typedef struct {
  const char *jid;
  omemo_account *account;
  uint32_t device;
  /* As the server has them: the XML of legacy and of OMEMO 2. */
  char *lists[2], *bundles[2];
} person;

static inline void person_publish(person *p) {
  uint32_t protocol;
  for (protocol = OMEMO_PROTOCOL_LEGACY; protocol <= OMEMO_PROTOCOL_OMEMO2; protocol++) {
    omemo_bundle *bundle = NULL;
    omemo_device_list *list = NULL;
    uint64_t revision = 0;
    uint8_t is_due = 7;
    omemo_string_free(p->lists[protocol - 1]);
    omemo_string_free(p->bundles[protocol - 1]);
    OK(omemo_account_bundle(p->account, protocol, &bundle, &revision, &is_due, &error));
    OK(omemo_bundle_write(bundle, &p->bundles[protocol - 1], NULL, &error));
    OK(omemo_account_bundle_published(p->account, protocol, revision, &error));
    omemo_bundle_free(bundle);
    OK(omemo_account_own_device_list(p->account, protocol, &list, &error));
    OK(omemo_device_list_write(list, &p->lists[protocol - 1], NULL, &error));
    OK(omemo_account_device_list_published(p->account, protocol, NOW, &error));
    omemo_device_list_free(list);
  }
}

static inline void person_open(person *p, omemo_store *store, const char *jid) {
  omemo_options options;
  options_init(&options);
  memset(p, 0, sizeof *p);
  p->jid = jid;
  OK(omemo_account_open(store, jid, &options, NOW, &p->account, &error));
  OK(omemo_account_device(p->account, &p->device, &error));
  person_publish(p);
}

static inline void person_close(person *p) {
  int i;
  for (i = 0; i < 2; i++) {
    omemo_string_free(p->lists[i]);
    omemo_string_free(p->bundles[i]);
  }
  omemo_account_unref(p->account);
}

static inline omemo_bundle *person_bundle(const person *p, uint32_t protocol) {
  omemo_bundle *bundle = NULL;
  const char *xml = p->bundles[protocol - 1];
  OK(omemo_bundle_read(protocol, xml, strlen(xml), &bundle, &error));
  return bundle;
}

/* One is told the device list of another, or of its own account. */
static inline void person_meet(person *p, const person *other) {
  uint32_t protocol;
  for (protocol = OMEMO_PROTOCOL_LEGACY; protocol <= OMEMO_PROTOCOL_OMEMO2; protocol++) {
    omemo_device_list *list = NULL;
    const char *xml = other->lists[protocol - 1];
    OK(omemo_device_list_read(protocol, xml, strlen(xml), &list, &error));
    OK(omemo_account_set_device_list(p->account, other->jid, list, NOW, NULL, &error));
    omemo_device_list_free(list);
  }
}

/* Encrypts a text in a version, as one who has fetched the bundle; returns the stanza. */
static inline char *person_write(person *p, const person *to, uint32_t protocol, const char *text) {
  char clear[512], *stanza = NULL;
  omemo_plain *plain = NULL;
  omemo_sent *sent = NULL;
  omemo_outgoing outgoing;
  omemo_fetched_bundle fetched;
  uint8_t *payload = NULL;
  size_t payload_len = 0;
  omemo_bundle *bundle = person_bundle(to, protocol);
  snprintf(clear, sizeof clear, "<message from='%s/x' to='%s' type='chat' id='m'><body>%s</body></message>", p->jid,
           to->jid, text);
  OK(omemo_plain_read(clear, strlen(clear), &plain, &error));
  OK(omemo_plain_payload(plain, protocol, p->jid, to->jid, NOW, &payload, &payload_len, &error));
  memset(&fetched, 0, sizeof fetched);
  fetched.peer.jid = to->jid;
  fetched.peer.device = to->device;
  fetched.peer.protocol = protocol;
  fetched.bundle = bundle;
  memset(&outgoing, 0, sizeof outgoing);
  outgoing.struct_size = sizeof outgoing;
  outgoing.recipients = &to->jid;
  outgoing.recipient_count = 1;
  if (protocol == OMEMO_PROTOCOL_LEGACY) {
    outgoing.legacy = payload;
    outgoing.legacy_len = payload_len;
  } else {
    outgoing.omemo2 = payload;
    outgoing.omemo2_len = payload_len;
  }
  outgoing.bundles = &fetched;
  outgoing.bundle_count = 1;
  OK(omemo_account_encrypt(p->account, &outgoing, NOW, &sent, &error));
  OK(omemo_plain_seal(plain, sent, 0, &stanza, NULL, &error));
  CHECK(strstr(stanza, text) == NULL);
  omemo_plain_free(plain);
  omemo_bytes_free(payload);
  omemo_sent_free(sent);
  omemo_bundle_free(bundle);
  return stanza;
}

/* What becomes of a stanza; it is attached to the message. */
static inline omemo_reading *person_read(person *p, const char *sender, const char *xml) {
  omemo_stanza *stanza = NULL;
  omemo_reading *reading = NULL;
  omemo_incoming incoming;
  char *shell = NULL;
  OK(omemo_stanza_read(p->jid, p->device, xml, strlen(xml), &stanza, &error));
  OK(omemo_stanza_strip(xml, strlen(xml), &shell, NULL, &error));
  memset(&incoming, 0, sizeof incoming);
  incoming.struct_size = sizeof incoming;
  incoming.senders = &sender;
  incoming.sender_count = 1;
  incoming.stanza = stanza;
  incoming.attached = (const uint8_t *)shell;
  incoming.attached_len = strlen(shell);
  OK(omemo_account_decrypt(p->account, &incoming, NOW, &reading, &error));
  omemo_stanza_free(stanza);
  omemo_string_free(shell);
  return reading;
}

#endif
