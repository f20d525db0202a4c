// The C++ header: a conversation, and errors as exceptions.
#include "server.h"

#include <omemo.hpp>

#include <cstdio>

static const uint64_t NOW = 1700000000000u;

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                              \
      std::exit(1);                                                                                                    \
    }                                                                                                                  \
  } while (0)

static server world;

static void act(omemo::client &client, const char *jid, std::string &read) {
  while (omemo::action action = client.next_action()) {
    switch (action.kind()) {
    case OMEMO_ACTION_REQUEST: {
      char *answer = server_answer(&world, jid, action.request());
      client.answer(action.request()->id, answer, NOW);
      std::free(answer);
      break;
    }
    case OMEMO_ACTION_ENCRYPTED:
    case OMEMO_ACTION_SEND:
      server_send(&world, jid, action.stanza().c_str());
      break;
    case OMEMO_ACTION_DELIVER:
      read = action.stanza();
      client.acknowledge({*action.message_id()});
      break;
    default:
      break;
    }
  }
}

int main() {
  const char *jids[] = {"juliet@capulet.example", "romeo@montague.example"};
  std::vector<omemo::client> clients;
  std::string read;
  {
    const omemo::store store = omemo::store::memory();
    for (const char *jid : jids) {
      const omemo_options options = omemo::recommended(OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED);
      clients.push_back(omemo::client::open(store, jid, options, NOW));
      world.users[world.user_count++] = jid;
      clients.back().connected(NOW);
      act(clients.back(), jid, read);
    }
  }
  CHECK(clients[0].features().size() == 2);
  clients[0].encrypt("<message to='romeo@montague.example'><body>Ay me</body></message>", {jids[1]}, NOW);
  act(clients[0], jids[0], read);
  while (char *stanza = server_next(&world, jids[1])) {
    CHECK(clients[1].receive(stanza, NOW) == OMEMO_DISPOSITION_CONSUMED);
    std::free(stanza);
    act(clients[1], jids[1], read);
  }
  CHECK(read.find("Ay me") != std::string::npos);

  const omemo::account juliet = clients[0].account();
  const omemo::account copy = juliet;
  const std::vector<omemo_key> keys = copy.keys(jids[1]);
  const omemo::account romeo = clients[1].account();
  CHECK(keys.size() == 1 && omemo::format(keys[0].fingerprint) == omemo::format(romeo.fingerprint()));
  CHECK(juliet.device() == copy.device());

  bool has_thrown = false;
  try {
    clients[0].encrypt("<message", {jids[1]}, NOW);
  } catch (const omemo::error &error) {
    has_thrown = error.status() == OMEMO_ERROR_STANZA && error.stage() == "stanza" && error.what()[0] != 0 &&
                 error.remedy() == OMEMO_REMEDY_FIX;
  }
  CHECK(has_thrown);
  clients.clear();
  server_free(&world);
  return 0;
}
