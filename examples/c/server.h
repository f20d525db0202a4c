/*
 * A server in memory, as little of one as OMEMO needs: it keeps what is published, answers requests, and
 * carries messages. A real client has a real one; nothing here shows how to use the library.
 */
#ifndef SERVER_H
#define SERVER_H

#include <omemo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER_ROOM 64

typedef struct {
  char owner[64], node[96], item[16];
  char *payload;
} server_item;

typedef struct {
  char to[64];
  char *stanza;
} server_letter;

typedef struct {
  server_item items[SERVER_ROOM];
  size_t item_count;
  server_letter letters[SERVER_ROOM];
  size_t letter_count;
  const char *users[8];
  size_t user_count;
  /* The last stanza that went through, to look at. */
  char *last;
} server;

static inline char *server_text(size_t size) {
  char *text = (char *)calloc(size + 1, 1);
  if (text == NULL) {
    abort();
  }
  return text;
}

/* The value of the first attribute of that name after `from`; "" if there is none before `to`. */
static inline void server_attribute(const char *from, const char *to, const char *name, char *value, size_t size) {
  char pattern[32];
  const char *start;
  size_t length = 0;
  value[0] = 0;
  snprintf(pattern, sizeof pattern, " %s='", name);
  start = from == NULL ? NULL : strstr(from, pattern);
  if (start == NULL || (to != NULL && start > to)) {
    return;
  }
  start += strlen(pattern);
  while (start[length] != '\'' && start[length] != 0 && length + 1 < size) {
    length++;
  }
  memcpy(value, start, length);
  value[length] = 0;
}

static inline void server_post(server *s, const char *to, char *stanza) {
  if (s->letter_count == SERVER_ROOM || strlen(to) >= 64) {
    abort();
  }
  strcpy(s->letters[s->letter_count].to, to);
  s->letters[s->letter_count++].stanza = stanza;
}

/* A message that waits for an account; yours to free. NULL if there is none. */
static inline char *server_next(server *s, const char *account) {
  size_t i;
  for (i = 0; i < s->letter_count; i++) {
    if (strcmp(s->letters[i].to, account) == 0) {
      char *stanza = s->letters[i].stanza;
      s->letter_count--;
      memmove(&s->letters[i], &s->letters[i + 1], (s->letter_count - i) * sizeof s->letters[0]);
      return stanza;
    }
  }
  return NULL;
}

/* Carries a <message/>, and says from whom it is. */
static inline void server_send(server *s, const char *from, const char *stanza) {
  char to[64];
  char *stamped = server_text(strlen(stanza) + 128);
  server_attribute(stanza, strchr(stanza, '>'), "to", to, sizeof to);
  sprintf(stamped, "<message from='%s/phone'%s", from, stanza + strlen("<message"));
  free(s->last);
  s->last = server_text(strlen(stamped));
  strcpy(s->last, stamped);
  to[strcspn(to, "/")] = 0;
  server_post(s, to, stamped);
}

static inline void server_publish(server *s, const char *owner, const char *node, const char *item, const char *payload,
                           size_t length) {
  size_t i = 0;
  while (i < s->item_count && (strcmp(s->items[i].owner, owner) != 0 || strcmp(s->items[i].node, node) != 0 ||
                               strcmp(s->items[i].item, item) != 0)) {
    i++;
  }
  if (i == SERVER_ROOM) {
    abort();
  }
  if (i == s->item_count) {
    s->item_count++;
  }
  free(s->items[i].payload);
  snprintf(s->items[i].owner, sizeof s->items[i].owner, "%s", owner);
  snprintf(s->items[i].node, sizeof s->items[i].node, "%s", node);
  snprintf(s->items[i].item, sizeof s->items[i].item, "%s", item);
  s->items[i].payload = server_text(length);
  memcpy(s->items[i].payload, payload, length);
  if (strstr(node, "device") != NULL) {
    for (i = 0; i < s->user_count; i++) {
      char *event = server_text(length + 512);
      sprintf(event,
              "<message from='%s'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
              "<items node='%s'><item id='%s'>%.*s</item></items></event></message>",
              owner, node, item, (int)length, payload);
      server_post(s, s->users[i], event);
    }
  }
}

/* Answers a request of an account: an <iq/> that is yours to free. */
static inline char *server_answer(server *s, const char *account, const omemo_request *request) {
  const char *owner = request->to == NULL ? account : request->to;
  const char *verb = strchr(request->payload + 1, '<');
  const char *item = verb == NULL ? NULL : strstr(verb, "<item");
  char node[96], id[16], from[80] = "", *answer;
  size_t i, size = 512, count = 0;
  if (item != NULL && strncmp(item, "<items", 6) == 0) {
    item = strstr(item + 1, "<item ");
  }
  server_attribute(verb, NULL, "node", node, sizeof node);
  server_attribute(item, NULL, "id", id, sizeof id);
  if (request->to != NULL) {
    snprintf(from, sizeof from, " from='%s'", request->to);
  }
  if (verb != NULL && strncmp(verb, "<publish", 8) == 0 && item != NULL) {
    const char *start = strchr(item, '>') + 1;
    server_publish(s, account, node, id, start, (size_t)(strstr(start, "</item>") - start));
  }
  for (i = 0; i < s->item_count; i++) {
    size += strlen(s->items[i].payload) + 64;
  }
  answer = server_text(size);
  if (verb == NULL || strncmp(verb, "<items", 6) != 0) {
    sprintf(answer, "<iq type='result' id='%s'%s/>", request->iq_id, from);
    return answer;
  }
  sprintf(answer,
          "<iq type='result' id='%s'%s><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='%s'>",
          request->iq_id, from, node);
  for (i = 0; i < s->item_count; i++) {
    server_item *it = &s->items[i];
    if (strcmp(it->owner, owner) == 0 && strcmp(it->node, node) == 0 && (id[0] == 0 || strcmp(it->item, id) == 0)) {
      sprintf(answer + strlen(answer), "<item id='%s'>%s</item>", it->item, it->payload);
      count++;
    }
  }
  strcat(answer, "</items></pubsub></iq>");
  if (count == 0) {
    sprintf(answer,
            "<iq type='error' id='%s'%s><error type='cancel'>"
            "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
            request->iq_id, from);
  }
  return answer;
}

static inline void server_free(server *s) {
  size_t i;
  for (i = 0; i < s->item_count; i++) {
    free(s->items[i].payload);
  }
  for (i = 0; i < s->letter_count; i++) {
    free(s->letters[i].stanza);
  }
  free(s->last);
}

#endif
