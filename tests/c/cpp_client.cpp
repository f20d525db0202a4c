// The C++ header: what a client says and asks besides its messages, and what actions tell.
#include "server.h"

#include <omemo.hpp>

#include <cstdio>

static const uint64_t NOW = 1700000000000u;
static const std::string JULIET = "juliet@capulet.example", ROMEO = "romeo@montague.example";
static const std::string ROOM = "orchard@rooms.example";

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                              \
      std::exit(1);                                                                                                    \
    }                                                                                                                  \
  } while (0)

static server world;

struct person {
  std::string jid;
  omemo::client client;
  // What was handed out since it was last looked at, but for requests and empty messages.
  std::vector<omemo::action> told;

  person(const std::string &address, omemo_trust_policy trust) : jid(address) {
    omemo_options options = omemo::recommended(trust);
    client = omemo::client::open(omemo::store::memory(), jid, options, NOW);
    world.users[world.user_count++] = jid.c_str();
    client.connected(NOW);
    act();
  }
  person(const person &) = delete;

  void act() {
    while (omemo::action action = client.next_action()) {
      if (action.kind() == OMEMO_ACTION_REQUEST) {
        char *answer = server_answer(&world, jid.c_str(), action.request());
        client.answer(action.request()->id, answer, NOW);
        std::free(answer);
      } else if (action.kind() != OMEMO_ACTION_SEND && action.kind() != OMEMO_ACTION_WAKE_AT) {
        told.push_back(std::move(action));
      }
    }
  }
  // The one thing that was told.
  omemo::action only(omemo_action_type kind) {
    act();
    CHECK(told.size() == 1 && told[0].kind() == kind);
    omemo::action action = std::move(told[0]);
    told.clear();
    return action;
  }
  uint64_t say(const std::string &to, const char *type, const std::string &content) {
    return client.encrypt("<message to='" + to + "' type='" + type + "' id='m'>" + content + "</message>", {to}, NOW);
  }
};

static void keys_are_learnt_and_decided_about(person &paris) {
  const uint64_t ticket = paris.client.prepare({JULIET}, NOW);
  const omemo::action prepared = paris.only(OMEMO_ACTION_PREPARED);
  CHECK(prepared.ticket() == ticket && prepared.keys().size() == 1 && prepared.changed_identities().empty());
  const omemo_undecided_key key = prepared.keys()[0];
  CHECK(key.jid == JULIET && key.device != 0);
  // A key that the device does not show in the place of another: nothing changes.
  paris.client.accept_identity(JULIET, key.device, key.fingerprint, NOW);

  const uint64_t waiting = paris.say(JULIET, "chat", "<body>Good morrow</body>");
  const omemo::action question = paris.only(OMEMO_ACTION_DECIDE_TRUST);
  CHECK(question.ticket() == waiting && question.keys()[0].device == key.device);
  paris.client.send_anyway(waiting, NOW);
  const omemo::action refused = paris.only(OMEMO_ACTION_REFUSED);
  CHECK(refused.ticket() == waiting && refused.devices().size() == 1 && refused.devices()[0].gap == OMEMO_GAP_UNDECIDED);
  paris.client.decide(JULIET, key.fingerprint, OMEMO_TRUST_BLIND, NOW);

  paris.client.set_stanza_limit(1);
  paris.say(JULIET, "chat", "<body>Good morrow</body>");
  CHECK(paris.only(OMEMO_ACTION_REFUSED).refusal()->kind == OMEMO_REFUSAL_TOO_LARGE);
  paris.client.set_stanza_limit(0);
  // Legacy carries the text alone.
  paris.say(JULIET, "chat", "<body>Good morrow</body><thread>t</thread><subject>Today</subject>");
  const omemo::action sent = paris.only(OMEMO_ACTION_ENCRYPTED);
  CHECK(sent.devices().size() == 1 && sent.devices()[0].gap == OMEMO_GAP_NONE && sent.lists().empty());
  CHECK(sent.lost_elements().size() == 1 && sent.lost_elements()[0].find("subject") != std::string::npos);
  const uint64_t now = paris.client.encrypt_now("<message to='nurse@capulet.example'><body>Anon</body></message>",
                                                {"nurse@capulet.example"}, NOW);
  CHECK(paris.only(OMEMO_ACTION_REFUSED).ticket() == now);
}

static void a_room(person &juliet, person &romeo) {
  juliet.client.set_room(ROOM, {JULIET, ROMEO, "tybalt@capulet.example"}, {{"J", JULIET}, {"R", ROMEO}}, NOW);
  juliet.say(ROOM, "groupchat", "<body>Peace</body>");
  const omemo::action sent = juliet.only(OMEMO_ACTION_ENCRYPTED);
  CHECK(sent.left_out().size() == 1 && std::string(sent.left_out()[0].jid) == "tybalt@capulet.example");
  juliet.client.leave_room(ROOM);

  std::string xml = sent.stanza();
  xml.replace(0, std::strlen("<message"), "<message from='" + ROOM + "/J'");
  CHECK(romeo.client.receive(xml, NOW) == OMEMO_DISPOSITION_PENDING && romeo.client.unnamed() == 1);
  CHECK(romeo.only(OMEMO_ACTION_ASK_MEMBERS).room() == ROOM);
  romeo.client.set_room(ROOM, {JULIET, ROMEO}, {}, NOW);
  const omemo::action read = romeo.only(OMEMO_ACTION_DELIVER);
  CHECK(read.sender() == JULIET && romeo.client.unnamed() == 0);
  romeo.client.acknowledge({*read.message_id()});
  romeo.client.leave_room(ROOM);
}

static void an_archive(person &juliet, person &romeo) {
  juliet.say(ROMEO, "chat", "<body>By yonder moon</body>");
  std::string xml = juliet.only(OMEMO_ACTION_ENCRYPTED).stanza();
  xml.replace(0, std::strlen("<message"), "<message xmlns='jabber:client' from='" + JULIET + "/x'");
  const std::string end = "</message>", beside = "<replace xmlns='urn:xmpp:message-correct:0' id='7'/><x xmlns='y'/>";
  xml.replace(xml.size() - end.size(), end.size(), beside + end);
  const std::string result = "<message from='" + ROMEO +
                             "'><result xmlns='urn:xmpp:mam:2' queryid='q' id='1'><forwarded "
                             "xmlns='urn:xmpp:forward:0'>" +
                             xml + "</forwarded></result></message>";
  const uint64_t catch_up = romeo.client.begin_catch_up(OMEMO_ORDER_OLDEST_FIRST, NOW);
  const uint64_t other = romeo.client.begin_catch_up(OMEMO_ORDER_NEWEST_FIRST, NOW);
  CHECK(romeo.client.receive(result, NOW) == OMEMO_DISPOSITION_UNEXPECTED);
  const uint64_t query = romeo.client.expect_archive(catch_up, "", "q");
  CHECK(query != romeo.client.expect_archive(other, ROOM, ""));
  CHECK(romeo.client.receive(result, NOW) == OMEMO_DISPOSITION_PENDING);
  romeo.client.end_page(query, NOW);
  const omemo::action read = romeo.only(OMEMO_ACTION_DELIVER);
  CHECK(read.archive_id() == "1" && read.archive() == ROMEO && read.marks().size() == 1);
  CHECK(read.marks()[0].kind == OMEMO_MARK_REPLACE && std::string(read.marks()[0].id) == "7");
  CHECK(read.unauthenticated() == "<x xmlns='y'/>");
  romeo.client.acknowledge({*read.message_id()});
  romeo.client.end_catch_up(catch_up, NOW);
  romeo.client.end_catch_up(other, NOW);
  CHECK(romeo.client.receive(result, NOW) == OMEMO_DISPOSITION_UNEXPECTED);
}

static std::size_t wakeups, lines;

static void upkeep(person &juliet) {
  juliet.client.set_wakeup([](void *count) { ++*static_cast<std::size_t *>(count); }, &wakeups);
  juliet.client.set_log([](void *count, uint32_t, const char *) { ++*static_cast<std::size_t *>(count); }, &lines);
  CHECK(juliet.client.is_published());
  juliet.client.maintain(NOW);
  juliet.client.acknowledge_evicted(0);
  juliet.client.acknowledge_rollback();
  juliet.client.set_blocked("paris.example", true, NOW);
  omemo::account account = juliet.client.account();
  CHECK(account.blocked() == std::vector<std::string>{"paris.example"});
  juliet.client.reset(ROMEO, NOW);
  juliet.client.set_label("Balcony", NOW);
  juliet.client.remove_own_devices({1, 2}, NOW);
  juliet.act();
  juliet.client.disconnected();
  CHECK(!juliet.client.is_published());
  juliet.client.resumed(NOW);
  juliet.act();
  CHECK(juliet.client.is_published());
  juliet.client.switch_off(NOW);
  CHECK(juliet.only(OMEMO_ACTION_NOTICE).notice()->kind == OMEMO_NOTICE_SWITCHED_OFF);
  CHECK(wakeups > 0 && lines > 0);
  juliet.client.set_wakeup(nullptr, nullptr);
  juliet.client.set_log(nullptr, nullptr);
}

// A client of one's own over an account.
static void an_account_that_was_away() {
  const omemo_options options = omemo::recommended(OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED);
  omemo::account nurse = omemo::account::open(omemo::store::memory(), "nurse@capulet.example", options, NOW);
  const uint64_t catch_up = nurse.begin_catch_up(OMEMO_ORDER_OLDEST_FIRST, NOW);
  const omemo::stanza stanza = omemo::stanza::read(
      nurse.jid(), nurse.device(),
      "<message from='room@rooms.example/n'><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><iv>" +
          std::string("AAAAAAAAAAAAAAAA</iv></header><payload>AAAA</payload></encrypted></message>"));
  const char *const senders[] = {JULIET.c_str(), ROMEO.c_str()};
  omemo_incoming incoming = omemo::incoming();
  incoming.senders = senders;
  incoming.sender_count = 2;
  incoming.stanza = stanza.get();
  incoming.arrival = OMEMO_ARRIVAL_ARCHIVED;
  incoming.catch_up = catch_up;
  const omemo::owned<omemo_peers> bundles = nurse.bundles_to_tell(incoming);
  CHECK(omemo_peers_count(bundles.get()) == 0);
  CHECK(omemo::reading(nurse.decrypt(incoming, NOW)).outcome() == OMEMO_OUTCOME_NOT_FOR_THIS_DEVICE);
  nurse.end_catch_up(catch_up, NOW);
  nurse.maintain(NOW);
  nurse.set_accepted(JULIET, true, NOW);
  nurse.opt_in(JULIET, NOW);
  nurse.set_blocked(ROMEO, true);
  nurse.set_blocked(ROMEO, false);
  CHECK(std::vector<std::string>(nurse.blocked()).empty());
}

int main() {
  {
    person juliet(JULIET, OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED);
    person romeo(ROMEO, OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED);
    person paris("county@verona.example", OMEMO_TRUST_POLICY_MANUAL);
    keys_are_learnt_and_decided_about(paris);
    a_room(juliet, romeo);
    an_archive(juliet, romeo);
    upkeep(juliet);
  }
  an_account_that_was_away();
  server_free(&world);
  return 0;
}
