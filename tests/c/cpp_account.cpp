// The C++ header for those who keep their own XML: a message, a refusal, a file.
#include <omemo.hpp>

#include <cstdio>
#include <cstdlib>

static const uint64_t NOW = 1700000000000u;

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                              \
      std::exit(1);                                                                                                    \
    }                                                                                                                  \
  } while (0)

static const omemo_protocol PROTOCOL = OMEMO_PROTOCOL_OMEMO2;

// What the server has of somebody.
struct published {
  std::string list, bundle;
};

static published publish(omemo::account &account) {
  uint64_t revision = 0;
  published made;
  const omemo::bundle bundle = account.bundle(PROTOCOL, revision);
  CHECK(bundle.protocol() == PROTOCOL);
  CHECK(omemo::format(bundle.fingerprint()) == omemo::format(account.fingerprint()));
  made.bundle = bundle.write();
  account.bundle_published(PROTOCOL, revision);
  made.list = account.own_device_list(PROTOCOL).write();
  account.device_list_published(PROTOCOL, NOW);
  return made;
}

static void a_message() {
  const omemo::store store = omemo::store::memory();
  const omemo_options options = omemo::recommended(OMEMO_TRUST_POLICY_BLIND_UNTIL_VERIFIED);
  omemo::account juliet = omemo::account::open(store, "juliet@capulet.example", options, NOW);
  omemo::account romeo = omemo::account::open(store, "romeo@montague.example", options, NOW);
  const published his = publish(romeo);
  juliet.set_device_list(romeo.jid(), omemo::device_list::read(PROTOCOL, his.list), NOW);
  juliet.set_device_list(juliet.jid(), omemo::device_list::of(PROTOCOL, {}), NOW);
  CHECK(omemo::device_list::read(PROTOCOL, his.list).ids() == std::vector<uint32_t>{romeo.device()});
  const auto missing = juliet.missing({romeo.jid()}, false);
  CHECK(omemo_peers_count(missing.first.get()) == 0 && omemo_peers_count(missing.second.get()) == 1);

  const std::string clear = "<message from='juliet@capulet.example/x' to='romeo@montague.example' type='chat'>"
                            "<body>Ay me</body></message>";
  const omemo::plain plain = omemo::plain::read(clear);
  CHECK(plain.body() == "Ay me");
  const std::string payload = plain.payload(PROTOCOL, juliet.jid(), romeo.jid(), NOW);
  const std::string jid = romeo.jid();
  const char *recipient = jid.c_str();
  omemo_outgoing outgoing = omemo::outgoing();
  outgoing.recipients = &recipient;
  outgoing.recipient_count = 1;
  outgoing.omemo2 = reinterpret_cast<const uint8_t *>(payload.data());
  outgoing.omemo2_len = payload.size();

  bool has_thrown = false;
  try {
    juliet.encrypt(outgoing, NOW);
  } catch (const omemo::error &thrown) {
    const omemo::error error = thrown;
    has_thrown = error.status() == OMEMO_ERROR_REFUSED && error.refusal()->jid == jid && error.device_count() == 1 &&
                 error.device(0)->device == romeo.device() && error.device(0)->gap == OMEMO_GAP_NO_SESSION;
  }
  CHECK(has_thrown);

  const omemo::bundle bundle = omemo::bundle::read(PROTOCOL, his.bundle);
  omemo_fetched_bundle fetched = {*omemo_peers_get(missing.second.get(), 0), bundle.get(), 0};
  outgoing.bundles = &fetched;
  outgoing.bundle_count = 1;
  const omemo::sent sent = juliet.encrypt(outgoing, NOW);
  CHECK(sent.device_count() == 1 && sent.device(0)->gap == OMEMO_GAP_NONE);
  const std::string xml = plain.seal(sent);
  CHECK(xml.find("Ay me") == std::string::npos && std::string(sent.write()).find("<encrypted") == 0);

  const omemo::stanza stanza = omemo::stanza::read(romeo.jid(), romeo.device(), xml);
  CHECK(stanza.from() == "juliet@capulet.example/x" && stanza.to() == jid && stanza.element(PROTOCOL)->key_count == 1);
  const omemo::reading reading = romeo.decrypt(stanza.from(), stanza, omemo::strip(xml), NOW);
  CHECK(reading.outcome() == OMEMO_OUTCOME_MESSAGE && reading.failure() == nullptr);
  CHECK(reading.sender() == "juliet@capulet.example" && reading.delivery()->device == juliet.device());
  const omemo::content content = omemo::content::read(PROTOCOL, reading.payload(), reading.sender(), stanza.to());
  CHECK(content.body() == "Ay me" && content.sent_at_ms() == NOW && !content.has_opt_out());
  const std::string revealed = content.reveal(reading.attached());
  CHECK(revealed.find("<body xmlns='jabber:client'>Ay me</body>") != std::string::npos);
  CHECK(content.elements() == "<body xmlns='jabber:client'>Ay me</body>");
  romeo.acknowledge({*reading.message_id()});

  // So that Juliet's device stops sending key exchanges.
  CHECK(omemo_account_set_accepted(romeo.get(), "juliet@capulet.example", 1, NOW, nullptr) == OMEMO_OK);
  const omemo_peer peer = {"juliet@capulet.example", juliet.device(), PROTOCOL};
  CHECK(omemo::sent(romeo.encrypt_empty(peer, omemo::bundle(), NOW)).device_count() == 1);
}

static void a_file() {
  std::string ciphertext, plaintext, url;
  const auto into = [](std::string &to) {
    return [&to](const uint8_t *bytes, std::size_t length) {
      to.append(reinterpret_cast<const char *>(bytes), length);
      return true;
    };
  };
  omemo::file_encryptor encryptor = omemo::file_encryptor::open(into(ciphertext));
  encryptor.update("Wherefore ", 10);
  encryptor.update("art thou?", 9);
  const omemo::encrypted_file file = encryptor.finish();
  CHECK(file.size == 19 && file.sha256.size() == 32 && ciphertext.size() == 35);
  const std::string uri = file.key.uri("https://upload.example/a");
  const omemo::file_key key = omemo::file_key::read(uri, url);
  CHECK(url == "https://upload.example/a");
  omemo::file_decryptor decryptor = omemo::file_decryptor::open(key.get(), into(plaintext));
  decryptor.update(ciphertext.data(), ciphertext.size());
  decryptor.finish();
  CHECK(plaintext == "Wherefore art thou?");
  bool has_thrown = false;
  try {
    decryptor.finish();
  } catch (const omemo::error &error) {
    has_thrown = error.status() == OMEMO_ERROR_STATE && error.refusal() == nullptr && error.device_count() == 0;
  }
  CHECK(has_thrown);
}

int main() {
  a_message();
  a_file();
  return 0;
}
