// The C++ header without exceptions: errors are values.
#define OMEMO_NO_EXCEPTIONS
#include <omemo.hpp>

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                              \
      std::exit(1);                                                                                                    \
    }                                                                                                                  \
  } while (0)

int main() {
  omemo::result<omemo::store> none = omemo::store::sqlite("/no/such/folder/x.db");
  CHECK(!none && none.failure().status() == OMEMO_ERROR_STORE_NO_FOLDER);
  omemo::result<omemo::store> store = omemo::store::memory();
  CHECK(store);
  const omemo_options options = omemo::recommended(OMEMO_TRUST_POLICY_MANUAL);
  auto client = omemo::client::open(store.value(), "juliet@capulet.example", options, 1);
  CHECK(client && client.value().connected(1));
  auto action = client.value().next_action();
  CHECK(action && action.value() && action.value().kind() == OMEMO_ACTION_REQUEST);
  CHECK(!client.value().receive("\xff", 1));

  auto account = omemo::account::open(store.value(), "romeo@montague.example", options, 1);
  CHECK(account && account.value().jid().value() == "romeo@montague.example");
  auto sent = account.value().encrypt(omemo::outgoing(), 1);
  CHECK(!sent && sent.failure().status() == OMEMO_ERROR_REFUSED);
  CHECK(sent.failure().refusal()->kind == OMEMO_REFUSAL_NO_OTHER_DEVICE);
  auto encryptor = omemo::file_encryptor::open([](const uint8_t *, std::size_t) { return false; });
  CHECK(encryptor && !encryptor.value().update("x", 1) && !encryptor.value().finish());
  CHECK(!omemo::bundle::read(OMEMO_PROTOCOL_LEGACY, "<bundle/>"));
  return 0;
}
