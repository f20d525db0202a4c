//! What clients send is given to the parsers of python-omemo's backends: they accept it, and read in it
//! what we read.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use omemo::client::Room;
use omemo::crypto::IdentityKey;
use omemo::model::{BareJid, DeviceId, Encrypted, Version};
use omemo::protocol::KeyExchange;
use omemo::stanza::{FALLBACK_BODY, ListedKey, Message, Node, read_bundle, read_device_list};
use rand::RngExt;
use rand::rngs::StdRng;
use roxmltree::Document;
use serde_json::{Map, Value, json};

use crate::peer::{decode, encode};
use crate::server::stage::{HOUR, JULIET, ROMEO, Stage, jid, only, options, text};

const GARDEN: &str = "garden@rooms.example";
const NURSE: &str = "nurse@capulet.example";

/// Clients of both versions publish and write; everything is asked about. Says how much that was.
pub(crate) fn compare(python: &str, script: &str, rng: &mut StdRng) -> String {
    let mut reader = Reader::start(python, script);
    let mut stage = cast();
    reader.read_nodes(&stage);
    conversations(&mut stage, rng);
    reader.read_nodes(&stage);
    reader.read_messages(&stage);
    reader.quit()
}

/// Juliet at two clients and Romeo speak both versions, the nurse one of them, Mercutio the other.
fn cast() -> Stage {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), options());
    stage.add(&format!("{JULIET}/chamber"), options());
    stage.add(&format!("{ROMEO}/orchard"), options());
    stage.add(&format!("{NURSE}/house"), only(Version::Legacy));
    stage.add("mercutio@verona.example/square", only(Version::Omemo2));
    for one in 0..stage.users.len() {
        for other in one + 1..stage.users.len() {
            if stage.users[one].jid() != stage.users[other].jid() {
                stage.befriend(one, other);
            }
        }
    }
    for (user, label) in [(0, "Balcony <1> & \"co\""), (2, "Obstgarten \u{1f333}")] {
        let now = stage.time();
        stage.users[user]
            .client
            .set_label(Some(label), now)
            .unwrap();
    }
    stage.settle();
    stage
}

/// Everything that a client writes: texts, corrections, receipts, in rooms, empty messages.
fn conversations(stage: &mut Stage, rng: &mut StdRng) {
    let people: Vec<_> = stage.users.iter().map(|user| user.jid()).collect();
    for turn in 0..60 {
        let from = rng.random_range(0..people.len());
        let to = rng.random_range(0..people.len());
        let have_nothing_in_common = [from, to] == [3, 4] || [from, to] == [4, 3];
        if people[from] == people[to] || have_nothing_in_common {
            continue;
        }
        let long: String = (0..rng.random_range(0..400))
            .map(|_| rng.random_range(' '..'~'))
            .collect();
        let long = long.replace('&', "&amp;").replace('<', "&lt;");
        let inside = match turn % 4 {
            0 => text(&long),
            1 => format!(
                "{}<request xmlns='urn:xmpp:receipts'/>\
                 <origin-id xmlns='urn:xmpp:sid:0' id='o{turn}'/>",
                text(&long)
            ),
            2 => format!(
                "{}<replace xmlns='urn:xmpp:message-correct:0' id='o1'/>",
                text("\u{1d400} & <more>").replace("& <more>", "&amp; &lt;more>")
            ),
            _ => text("aesgcm://montague.example/x.jpg#00112233445566778899aabbccddeeff"),
        };
        stage.say(from, people[to].as_str(), &inside);
    }
    garden(stage);
    // Nobody answers for long: a sign of life is due.
    for n in 0..60 {
        stage.say(0, ROMEO, &text(&format!("{n}")));
    }
    stage.wait(HOUR);
}

/// A room of those who have a version in common.
fn garden(stage: &mut Stage) {
    let members = [JULIET, ROMEO, NURSE].map(jid);
    let occupants: Vec<_> = ["J", "R", "N"].into_iter().zip(&members).collect();
    stage.server.make_room(&jid(GARDEN), &occupants);
    for user in [0, 1, 2, 3] {
        let room = Room {
            members: members.clone().into(),
            occupants: occupants
                .iter()
                .map(|(nick, jid)| ((*nick).to_owned(), (*jid).clone()))
                .collect(),
        };
        let now = stage.time();
        let client = &mut stage.users[user].client;
        client.set_room(&jid(GARDEN), room, now).unwrap();
    }
    stage.settle();
    for user in [0, 2, 3] {
        let now = stage.time();
        let said = format!(
            "<message to='{GARDEN}' type='groupchat' id='g{user}'>{}</message>",
            text("A rose by any other name")
        );
        let client = &mut stage.users[user].client;
        client.encrypt(&said, &[jid(GARDEN)], now).unwrap();
        stage.settle();
    }
}

/// The parsers behind a pipe, and what was asked.
struct Reader {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    counts: BTreeMap<String, usize>,
}

impl Reader {
    fn start(python: &str, script: &str) -> Self {
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python} does not start: {error}"));
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            counts: BTreeMap::new(),
        }
    }

    /// Device lists and bundles, as they are on the server.
    fn read_nodes(&mut self, stage: &Stage) {
        for (owner, name) in stage.server.nodes() {
            let node = Node::from_name(&name).unwrap();
            for (item, xml) in stage.server.entries(&owner, &name) {
                let version = node.version();
                match node {
                    Node::DeviceList(_) => {
                        let theirs = self.ask("devices", version, &owner, &xml, None);
                        assert_eq!(theirs["devices"], devices(version, &xml), "{xml}");
                    }
                    _ => {
                        let device = bundle_device(&name, &item);
                        let theirs = self.ask("bundle", version, &owner, &xml, Some(device));
                        agree_on_bundle(version, &xml, &theirs);
                    }
                }
            }
        }
    }

    fn read_messages(&mut self, stage: &Stage) {
        for user in &stage.users {
            let own = user.jid();
            let sealed = user.encrypted.iter().map(|message| &message.stanza);
            for stanza in sealed.chain(&user.empty) {
                self.read_message(&own, stanza);
            }
            assert!(user.undecryptable.is_empty(), "{:?}", user.undecryptable);
            assert!(user.refused.is_empty(), "{:?}", user.refused);
        }
    }

    fn read_message(&mut self, sender: &BareJid, stanza: &str) {
        let ours = Message::list(stanza).unwrap();
        let document = Document::parse(stanza).unwrap();
        let children = document.root_element().children();
        let mut elements = 0;
        for element in children.filter(|child| child.tag_name().name() == "encrypted") {
            let xml = &stanza[element.range()];
            let version = Version::from_namespace(element.tag_name().namespace().unwrap());
            let version = version.unwrap();
            let theirs = self.ask("encrypted", version, sender, xml, None);
            agree_on_message(ours.of(version).unwrap(), &theirs, xml);
            elements += 1;
        }
        assert_eq!(ours.encrypted.len(), elements, "{stanza}");
        assert!(elements > 0, "{stanza}");
        // What a client without OMEMO shows stands beside it, and nothing else does.
        let children = document.root_element().children();
        let bodies = children.filter(|child| child.tag_name().name() == "body");
        for body in bodies {
            assert_eq!(body.text(), Some(FALLBACK_BODY));
        }
    }

    fn ask(
        &mut self,
        kind: &str,
        version: Version,
        from: &BareJid,
        xml: &str,
        device: Option<DeviceId>,
    ) -> Value {
        let version = match version {
            Version::Legacy => "legacy",
            Version::Omemo2 => "omemo2",
        };
        let question = json!({
            "kind": kind, "version": version, "from": from.as_str(), "xml": xml,
            "device": device.map(DeviceId::get),
        });
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert!(answer["ok"] == json!(true), "{version}: {xml} -> {answer}");
        let what = match answer["payload"] {
            Value::Null if kind == "encrypted" => "empty".to_owned(),
            _ => kind.to_owned(),
        };
        *self.counts.entry(format!("{version} {what}")).or_default() += 1;
        answer
    }

    fn quit(mut self) -> String {
        drop(self.input);
        assert!(self.child.wait().unwrap().success());
        for version in ["legacy", "omemo2"] {
            for kind in ["devices", "bundle", "encrypted", "empty"] {
                let count = self.counts.get(&format!("{version} {kind}"));
                assert!(count.is_some(), "no {kind} of {version} was sent");
            }
        }
        let counts = self.counts.iter();
        let counts: Vec<_> = counts
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        counts.join(", ")
    }
}

fn devices(version: Version, xml: &str) -> Value {
    let list = read_device_list(version, xml).unwrap();
    let devices = list.devices.into_iter().map(|device| {
        let label = device.label.map(
            |label| json!({"text": label.text, "signature": encode(label.signature.as_bytes())}),
        );
        (device.id.to_string(), label.unwrap_or(Value::Null))
    });
    Value::Object(devices.collect::<Map<_, _>>())
}

/// The device whose bundle an item is: legacy has a node for each, OMEMO 2 an item.
fn bundle_device(node: &str, item: &str) -> DeviceId {
    let in_name = node.rsplit(':').next().and_then(|id| id.parse().ok());
    DeviceId::new(in_name.unwrap_or_else(|| item.parse().unwrap())).unwrap()
}

fn agree_on_bundle(version: Version, xml: &str, theirs: &Value) {
    let ours = read_bundle(version, xml).unwrap();
    let mut signature = *ours.signature.as_bytes();
    if version == Version::Legacy {
        // There they keep the sign of the identity key, and take it out as they read.
        signature[63] &= 0x7f;
    }
    let signed = (
        ours.signed_pre_key_id.get(),
        encode(ours.signed_pre_key.as_bytes()),
        encode(&signature),
    );
    assert_eq!(theirs["signed_pre_key"], json!(signed), "{xml}");
    let pre_keys = ours.pre_keys.iter().map(|pre_key| {
        let key = encode(pre_key.key.as_bytes());
        (pre_key.id.to_string(), Value::from(key))
    });
    let pre_keys: Map<_, _> = pre_keys.collect();
    assert_eq!(theirs["pre_keys"], Value::Object(pre_keys), "{xml}");
    let identity: [u8; 32] = decode(&theirs["identity"]).try_into().unwrap();
    let theirs = IdentityKey::from_ed25519(&identity).unwrap();
    assert_eq!(
        theirs.to_curve25519(),
        ours.identity.to_curve25519(),
        "{xml}"
    );
}

fn agree_on_message(ours: &Encrypted<ListedKey<'_>>, theirs: &Value, xml: &str) {
    assert_eq!(theirs["sid"], json!(ours.sender_device.get()), "{xml}");
    let payload = ours.payload.as_ref().map(|payload| encode(payload));
    assert_eq!(theirs["payload"], json!(payload), "{xml}");
    let iv = ours.iv.as_ref().filter(|_| payload.is_some());
    assert_eq!(theirs["iv"], json!(iv.map(|iv| encode(iv))), "{xml}");
    let mut keys: Vec<_> = ours.keys.iter().collect();
    keys.sort_by_key(|key| (key.account.clone(), key.device));
    let theirs = theirs["keys"].as_array().unwrap();
    assert_eq!(theirs.len(), keys.len(), "{xml}");
    for (ours_key, their_key) in keys.iter().zip(theirs) {
        let account = ours_key.account.as_deref().unwrap_or("");
        assert_eq!(their_key["jid"], json!(account), "{xml}");
        assert_eq!(their_key["rid"], json!(ours_key.device.get()), "{xml}");
        assert_eq!(their_key["kex"], json!(ours_key.key_exchange), "{xml}");
        let written = &their_key["key"];
        if ours_key.key_exchange {
            // They do not keep the sender's device id, which stands in a legacy key exchange as well.
            let key_exchange =
                |base64: &Value| KeyExchange::read(ours.version, &decode(base64)).unwrap();
            assert_eq!(
                key_exchange(written),
                key_exchange(&json!(ours_key.text)),
                "{xml}"
            );
        } else {
            assert_eq!(*written, json!(ours_key.text), "{xml}");
        }
    }
}
