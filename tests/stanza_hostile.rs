//! What strangers may send: XML bombs, what XMPP forbids, shapes that two parsers could understand
//! differently. Every reader answers with a typed error, in memory linear in the text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod heap;

use heap::counted;
use omemo::model::{BareJid, DeviceId, OwnKey, Version};
use omemo::stanza::{
    Affixes, Defect, Envelope, EnvelopeError, FileSharing, Items, Limit, MAX_BYTES, MAX_KEY_BYTES,
    MAX_KEYS, MAX_OWN_KEYS, Message, StanzaError, WriteEnvelopeError, XmlError, read_bundle,
    read_device_list, write_envelope,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Every reader, with the tags of a root that it goes into.
const READERS: [Reader; 8] = [
    Reader {
        name: "Message::read",
        tags: ["<message>", "</message>"],
        read: |xml| read(xml).map(drop),
    },
    Reader {
        name: "Message::list",
        tags: ["<message>", "</message>"],
        read: |xml| Message::list(xml).map(drop),
    },
    Reader {
        name: "Items::read",
        tags: ["<iq type='result'>", "</iq>"],
        read: |xml| Items::read(xml).map(drop),
    },
    Reader {
        name: "read_bundle",
        tags: ["<bundle xmlns='urn:xmpp:omemo:2'>", "</bundle>"],
        read: |xml| read_bundle(Version::Omemo2, xml).map(drop),
    },
    Reader {
        name: "read_device_list",
        tags: ["<devices xmlns='urn:xmpp:omemo:2'>", "</devices>"],
        read: |xml| read_device_list(Version::Omemo2, xml).map(drop),
    },
    Reader {
        name: "Envelope::read",
        tags: ["<envelope xmlns='urn:xmpp:sce:1'>", "</envelope>"],
        read: |xml| match Envelope::read(xml.as_bytes()) {
            Ok(_) => Ok(()),
            Err(EnvelopeError::Malformed(error)) => Err(error),
            Err(other) => panic!("{other:?}"),
        },
    },
    Reader {
        name: "FileSharing::list",
        tags: ["<file-sharing xmlns='urn:xmpp:sfs:0'>", "</file-sharing>"],
        read: |xml| FileSharing::list(xml).map(drop),
    },
    Reader {
        name: "write_envelope",
        tags: ["<a xmlns='b'>", "</a>"],
        read: |xml| match write(xml) {
            Ok(_) => Ok(()),
            Err(WriteEnvelopeError::Content(error)) => Err(error),
            Err(other) => panic!("{other:?}"),
        },
    },
];

struct Reader {
    name: &'static str,
    tags: [&'static str; 2],
    read: fn(&str) -> Result<(), StanzaError>,
}

fn device() -> DeviceId {
    DeviceId::new(2).unwrap()
}

fn read(xml: &str) -> Result<Message<'_, OwnKey>, StanzaError> {
    let account: BareJid = "romeo@montague.example".parse().unwrap();
    Message::read(xml, &account, device())
}

fn write(content: &str) -> Result<impl Sized, WriteEnvelopeError> {
    let account: BareJid = "romeo@montague.example".parse().unwrap();
    let affixes = Affixes {
        from: &account,
        to: &account,
        time: None,
    };
    write_envelope(content, &affixes, &mut StdRng::seed_from_u64(1))
}

/// Reads, and looks at what it cost: memory of at most four times the text.
fn within_bounds<T>(xml: &str, what: &str, read: impl FnOnce(&str) -> T) -> T {
    let (outcome, cost) = counted(|| read(xml));
    let bound = 4 * xml.len().min(MAX_BYTES) + SMALL;
    assert!(cost.peak <= bound, "{what}: {} bytes", cost.peak);
    outcome
}

/// What a reader needs for itself, whatever the text.
const SMALL: usize = 16 * 1024;

fn everywhere(what: &str, hostile: &str, expected: StanzaError) {
    for reader in &READERS {
        let [open, close] = reader.tags;
        let xml = format!("{open}{hostile}{close}");
        let what = format!("{what} in {}", reader.name);
        let outcome = within_bounds(&xml, &what, reader.read);
        assert_eq!(outcome, Err(expected), "{what}");
    }
}

#[test]
fn a12_what_xmpp_forbids_inside_the_root() {
    for (what, hostile, expected) in [
        ("comment", "<!-- -->", XmlError::Comment),
        ("processing instruction", "<?php ?>", XmlError::Instruction),
        ("stylesheet", "<?xml-stylesheet ?>", XmlError::Instruction),
        (
            "declaration",
            "<?xml version='1.0'?>",
            XmlError::Instruction,
        ),
        ("document type", "<!DOCTYPE a>", XmlError::DocumentType),
        ("entity", "&lol9;", XmlError::Entity),
        ("entity in a value", "<a b='&lol9;'/>", XmlError::Entity),
        ("null", "\0", XmlError::Character),
        ("null by reference", "&#x0;", XmlError::Character),
        ("surrogate by reference", "&#xd800;", XmlError::Character),
        ("noncharacter", "\u{ffff}", XmlError::Character),
        (
            "reserved prefix",
            "<a xmlns:xml='urn:x'/>",
            XmlError::Namespace,
        ),
        (
            "hidden namespace",
            "<a xmlns='&#117;rn:x'/>",
            XmlError::Namespace,
        ),
        ("unclosed element", "<a>", XmlError::Syntax),
        ("lone end", "</a>", XmlError::Syntax),
        ("crossing", "<a><b></a></b>", XmlError::Syntax),
        ("unclosed value", "<a b='>", XmlError::Syntax),
        ("value with a tag", "<a b='<c/>'/>", XmlError::Syntax),
        ("attribute twice", "<a b='1' b='2'/>", XmlError::Syntax),
        ("end of a section", "]]>", XmlError::Syntax),
        ("unclosed section", "<![CDATA[", XmlError::Syntax),
        ("lone ampersand", "a & b", XmlError::Syntax),
    ] {
        everywhere(what, hostile, expected.into());
    }
}

#[test]
fn a12_what_xmpp_forbids_around_the_root() {
    let laughs: String = (1..10)
        .map(|i| {
            format!(
                "<!ENTITY lol{i} \"{}\">",
                format!("&lol{};", i - 1).repeat(10)
            )
        })
        .collect();
    let laughs = format!("<!DOCTYPE lolz [<!ENTITY lol0 \"lol\">{laughs}]>");
    let external = "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>";
    for (before, after, expected) in [
        (&*laughs, "", XmlError::DocumentType),
        (external, "", XmlError::DocumentType),
        (
            "<!DOCTYPE a SYSTEM 'http://example.org/a.dtd'>",
            "",
            XmlError::DocumentType,
        ),
        ("<?xml version='1.0'?>", "", XmlError::Instruction),
        ("<!-- -->", "", XmlError::Comment),
        ("", "<!-- -->", XmlError::Comment),
        ("", "<?a?>", XmlError::Instruction),
        ("\u{feff}", "", XmlError::Character),
        ("", "<a/>", XmlError::Syntax),
        ("", "a", XmlError::Syntax),
        ("a", "", XmlError::Syntax),
        ("", "&#32;", XmlError::Syntax),
        ("", "</a>", XmlError::Syntax),
    ] {
        for reader in &READERS {
            let [open, close] = reader.tags;
            // A bundle and an envelope are complained about at their end: let nothing be missing.
            let inside = match reader.name {
                "Envelope::read" => "<content/>",
                // Content may be several elements.
                "read_bundle" | "FileSharing::list" | "write_envelope" => continue,
                _ => "",
            };
            let xml = format!("{before}{open}{inside}{close}{after}");
            let outcome = within_bounds(&xml, before, reader.read);
            assert_eq!(
                outcome,
                Err(expected.into()),
                "{before} {after} {}",
                reader.name
            );
        }
    }
}

#[test]
fn a12_depth() {
    for depth in [16, 1_000, 100_000] {
        let nested = "<a>".repeat(depth) + &"</a>".repeat(depth);
        everywhere("depth", &nested, Limit::Depth.into());
        everywhere("depth, unclosed", &"<a>".repeat(depth), Limit::Depth.into());
    }
    let million = "<a>".repeat(1_000_000);
    everywhere("a million deep", &million, Limit::Bytes.into());
}

#[test]
fn a12_size_is_looked_at_before_anything_else() {
    let payload = "A".repeat(100_000_000);
    for reader in &READERS {
        let [open, close] = reader.tags;
        let xml = format!("{open}<payload>{payload}</payload>{close}");
        let (outcome, cost) = counted(|| (reader.read)(&xml));
        assert_eq!(outcome, Err(Limit::Bytes.into()), "{}", reader.name);
        assert!(cost.total < SMALL, "{}", reader.name);
    }
}

#[test]
fn a12_attributes_and_namespaces() {
    let many = |name: &str| -> String { (0..40_000).map(|i| format!(" {name}{i}='1'")).collect() };
    let attributes = format!("<a{}/>", many("b"));
    everywhere("attributes", &attributes, Limit::Attributes.into());
    let namespaces = format!("<a{}/>", many("xmlns:b"));
    everywhere("namespaces", &namespaces, Limit::Namespaces.into());
}

/// What can be repeated is, to the limit of the text, and costs what its length costs.
#[test]
fn a12_repetition_is_linear() {
    let attributes: String = (0..32).map(|i| format!(" a{i}=''")).collect();
    let declarations: String = (0..31).map(|i| format!(" xmlns:n{i}='urn:x'")).collect();
    for (what, unit) in [
        ("elements", "<a/>"),
        ("prefixed elements", "<n:a xmlns:n='b'/>"),
        ("text", "a"),
        ("references", "&amp;"),
        ("sections", "<![CDATA[a]]>"),
        ("attributes", &format!("<a{attributes}/>")),
        ("declarations", &format!("<a{declarations}/>")),
        ("long names", &format!("<{0}>a</{0}>", "a".repeat(10_000))),
        (
            "long values",
            &format!("<a b='{}'/>", "&lt;".repeat(10_000)),
        ),
        ("devices", "<device id='1' label='a' labelsig='b'/>"),
        ("padding", "<rpad/>"),
    ] {
        for reader in &READERS {
            let what = format!("{what} in {}", reader.name);
            let [open, close] = reader.tags;
            let total = |size: usize| {
                let xml = format!("{open}{}{close}", unit.repeat(size / unit.len()));
                let read = |xml: &str| counted(|| (reader.read)(xml)).1.total;
                within_bounds(&xml, &what, read)
            };
            let (half, whole) = (total(MAX_BYTES / 8), total(MAX_BYTES / 4));
            assert!(whole <= 3 * half + SMALL, "{what}: {half}, {whole}");
        }
    }
}

#[test]
fn a12_keys() {
    let stanza = |count: usize, key: &str| {
        format!(
            "<message><encrypted xmlns='eu.siacs.conversations.axolotl'>\
             <header sid='1'><iv/>{}</header></encrypted></message>",
            key.repeat(count)
        )
    };
    for key in ["<key/>", "<key rid='3'/>", "<key rid='2'>AAEC</key>"] {
        let xml = stanza(MAX_KEYS, key);
        let message = within_bounds(&xml, key, |xml| read(xml).map(|message| message.encrypted));
        assert!(message.unwrap()[0].keys.len() <= MAX_OWN_KEYS);
        assert!(Message::list(&xml).is_ok());

        let xml = stanza(MAX_KEYS + 1, key);
        let limit = Some(Limit::Keys.into());
        assert_eq!(within_bounds(&xml, key, |xml| read(xml).err()), limit);
        assert_eq!(Message::list(&xml).err(), limit);
    }
    let million = stanza(1_000_000, "<key/>");
    assert_eq!(read(&million), Err(Limit::Bytes.into()));
}

/// Half of the keys in each version, or under each of many accounts: the limit is the stanza's.
/// What no message of the ratchet can be is not kept.
#[test]
fn a12_long_keys() {
    let stanza = |key: usize, iv: usize| {
        let [key, iv] = [key, iv].map(|count| "AAAA".repeat(count));
        format!(
            "<message><encrypted xmlns='eu.siacs.conversations.axolotl'>\
             <header sid='1'><key rid='2'>{key}</key><iv>{iv}</iv></header></encrypted></message>"
        )
    };
    let most = MAX_KEY_BYTES / 3;
    let xml = stanza(most, most);
    let message = read(&xml).unwrap();
    assert_eq!(message.encrypted[0].keys[0].bytes.len(), most * 3);
    for (key, iv, element) in [(most + 1, 1, "key"), (1, most + 1, "iv")] {
        let xml = stanza(key, iv);
        let length = StanzaError::Malformed {
            element,
            defect: Defect::Length,
        };
        assert_eq!(read(&xml).err(), Some(length));
    }
}

#[test]
fn a12_keys_are_counted_over_versions_and_accounts() {
    let half = "<key rid='3'/>".repeat(MAX_KEYS / 2 + 1);
    let accounts = format!("<keys jid='a'>{half}</keys><keys jid='b'>{half}</keys>");
    let omemo2 = |keys: &str| {
        format!("<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'>{keys}</header></encrypted>")
    };
    let legacy = format!(
        "<encrypted xmlns='eu.siacs.conversations.axolotl'>\
         <header sid='1'>{half}<iv/></header></encrypted>"
    );
    for inside in [
        omemo2(&accounts),
        legacy + &omemo2(&format!("<keys jid='a'>{half}</keys>")),
    ] {
        let xml = format!("<message>{inside}</message>");
        assert_eq!(read(&xml), Err(Limit::Keys.into()));
        assert_eq!(Message::list(&xml).err(), Some(Limit::Keys.into()));
    }
}

/// An address of half a megabyte with thousands of keys under it is not copied for each of them.
#[test]
fn a12_a_long_address() {
    let xml = format!(
        "<message><encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'>\
         <keys jid='&amp;{}'>{}</keys></header></encrypted></message>",
        "a".repeat(500_000),
        "<key rid='2'/>".repeat(MAX_KEYS)
    );
    within_bounds(&xml, "read", |xml| assert!(read(xml).is_ok()));
    within_bounds(&xml, "list", |xml| assert!(Message::list(xml).is_ok()));
}

/// A name declared once and inherited by each of many items is not copied for each of them.
#[test]
fn a12_a_long_inherited_namespace() {
    let long = "a".repeat(300_000);
    let xml = format!(
        "<iq type='result' xmlns:a='{long}'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
         <items node='urn:xmpp:omemo:2:devices'>{}</items></pubsub></iq>",
        "<item><a:b/></item>".repeat(900)
    );
    let outcome = within_bounds(&xml, "items", |xml| Items::read(xml).err());
    assert_eq!(outcome, Some(Limit::Namespaces.into()));
}

/// Elements that look like OMEMO's and are in another namespace, or the other way round.
#[test]
fn a12_namespaces_decide_not_prefixes() {
    let header =
        "<header sid='1'><keys jid='romeo@montague.example'><key rid='2'>AA==</key></keys>";
    let count = |xml: &str| {
        let message = read(xml).unwrap();
        message
            .encrypted
            .iter()
            .map(|it| it.keys.len())
            .sum::<usize>()
    };
    let spelt = "<message xmlns:o='urn:xmpp:omemo:2'><o:encrypted><o:header sid='1'>\
                 <o:keys jid='romeo@montague.example'><o:key rid='2'>AA==</o:key></o:keys>\
                 </o:header></o:encrypted></message>";
    assert_eq!(count(spelt), 1);
    assert_eq!(
        count(&spelt.replace("urn:xmpp:omemo:2", "urn:xmpp:omemo:20")),
        0
    );
    assert_eq!(
        count(&spelt.replace("urn:xmpp:omemo:2", "URN:XMPP:OMEMO:2")),
        0
    );
    assert_eq!(
        read(&spelt.replace("urn:xmpp:omemo:2", " urn:xmpp:omemo:2")),
        Err(XmlError::Namespace.into())
    );
    assert_eq!(count(&spelt.replace("rid=", "o:rid=")), 0);
    assert_eq!(
        count(&spelt.replace("<o:keys jid", "<o:keys xmlns:o='x' jid")),
        0
    );
    assert_eq!(count(&spelt.replace("o:keys", "keys")), 0);
    let foreign = format!(
        "<message><omemo:encrypted xmlns:omemo='x'>{header}</header></omemo:encrypted></message>"
    );
    assert_eq!(count(&foreign), 0);
    let nested = format!(
        "<message><x><encrypted xmlns='urn:xmpp:omemo:2'>{header}</header></encrypted></x></message>"
    );
    assert_eq!(count(&nested), 0);
}

#[test]
fn a12_base64() {
    let payload = |text: &str| {
        let xml = format!(
            "<message><encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/>\
             <payload>{text}</payload></encrypted></message>"
        );
        read(&xml).map(|message| message.encrypted[0].payload.clone())
    };
    for text in [
        "AAEC",
        " AA\n\tEC ",
        "&#x41;AEC",
        "<![CDATA[AA]]>EC",
        "AA<x>!</x>EC",
    ] {
        assert_eq!(payload(text), Ok(Some(vec![0, 1, 2])), "{text}");
    }
    let refused = StanzaError::Malformed {
        element: "payload",
        defect: Defect::Base64,
    };
    for text in [
        "AAE",
        "AAF=B",
        "AAF",
        "AAE==",
        "A",
        "=",
        "AA_-",
        "AA\u{a0}EC",
        "\u{ff21}AEC",
    ] {
        if text == "AAE" {
            assert_eq!(payload(text), Ok(Some(vec![0, 1])), "{text}");
        } else {
            assert_eq!(payload(text), Err(refused), "{text}");
        }
    }
}

/// What each combination of payload and keys is for device 2 of Romeo.
#[test]
fn a39_whose_keys_and_which_payload() {
    let legacy = |keys: &str, payload: &str| {
        format!(
            "<message><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'>{keys}\
             <iv>AAAAAAAAAAAAAAAA</iv></header>{payload}</encrypted></message>"
        )
    };
    let omemo2 = |keys: &str, payload: &str| {
        format!(
            "<message><encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'>{keys}</header>\
             {payload}</encrypted></message>"
        )
    };
    let (ours, others) = ("<key rid='2'>AA==</key>", "<key rid='3'>AA==</key>");
    let romeo = |keys: &str| format!("<keys jid='romeo@montague.example'>{keys}</keys>");
    let juliet = |keys: &str| format!("<keys jid='juliet@capulet.example'>{keys}</keys>");
    let payload = "<payload>AA==</payload>";
    for (what, xml, keys, has_payload) in [
        ("legacy: message", legacy(ours, payload), 1, true),
        ("legacy: keys only", legacy(ours, ""), 1, false),
        ("legacy: empty payload", legacy(ours, "<payload/>"), 1, true),
        ("legacy: not for us", legacy(others, payload), 0, true),
        ("legacy: nothing for us", legacy(others, ""), 0, false),
        (
            "legacy: our id twice",
            legacy(&ours.repeat(2), payload),
            2,
            true,
        ),
        (
            "legacy: our id often",
            legacy(&ours.repeat(99), payload),
            8,
            true,
        ),
        (
            "legacy: no accounts",
            legacy(&romeo(ours), payload),
            0,
            true,
        ),
        ("omemo2: message", omemo2(&romeo(ours), payload), 1, true),
        ("omemo2: keys only", omemo2(&romeo(ours), ""), 1, false),
        (
            "omemo2: not for us",
            omemo2(&romeo(others), payload),
            0,
            true,
        ),
        (
            "omemo2: other account",
            omemo2(&juliet(ours), payload),
            0,
            true,
        ),
        (
            "omemo2: our id in two accounts",
            omemo2(&(juliet(ours) + &romeo(ours)), payload),
            1,
            true,
        ),
        (
            "omemo2: our account twice",
            omemo2(&romeo(ours).repeat(2), payload),
            2,
            true,
        ),
        ("omemo2: no account", omemo2(ours, payload), 0, true),
    ] {
        let message = read(&xml).unwrap();
        let encrypted = &message.encrypted[0];
        assert_eq!(encrypted.keys.len(), keys, "{what}");
        assert_eq!(encrypted.payload.is_some(), has_payload, "{what}");
    }
}

/// Each text with one byte cut off, changed or put in: never a panic, and no end is missed.
#[test]
fn a10_every_cut_every_bit_every_insertion() {
    let key = "CRshyCreOvEwHQPyGpBNDNAA0t+tpJ43zvSaOt6riXc=";
    let message = "<message from='a@b/c' xmlns:x='y'><encrypted xmlns='urn:xmpp:omemo:2'>\
                   <header sid='1'><keys jid='romeo@montague.example'><key rid='2' kex='1'>A&#x41;==\
                   </key></keys></header><payload><![CDATA[AA==]]></payload></encrypted></message>"
        .to_owned();
    let items = "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
                 <items node='urn:xmpp:omemo:2:devices'><item xmlns:o='urn:xmpp:omemo:2'><o:devices>\
                 <o:device id='1'/></o:devices></item></items></pubsub></iq>"
        .to_owned();
    let bundle = format!(
        "<bundle xmlns='urn:xmpp:omemo:2'><spk id='1'>{key}</spk><spks>{}</spks>\
         <prekeys><pk id='1'>{key}</pk></prekeys></bundle>",
        "A".repeat(86)
    );
    let devices = "<devices xmlns='urn:xmpp:omemo:2'><device id='1' label='&lt;' labelsig='A'/>\
                   </devices>"
        .to_owned();
    let envelope = "<e:envelope xmlns:e='urn:xmpp:sce:1'><e:content><body xmlns='jabber:client'>\
                    \u{e4}&amp;</body></e:content><e:from jid='a@b'/><e:rpad/></e:envelope>"
        .to_owned();
    // Without an identity: checking one takes a thousand times the rest.
    let no_identity = StanzaError::Malformed {
        element: "ik",
        defect: Defect::Missing,
    };
    for (name, text, expected) in [
        ("Message::read", &message, Ok(())),
        ("Message::list", &message, Ok(())),
        ("Items::read", &items, Ok(())),
        ("read_bundle", &bundle, Err(no_identity)),
        ("read_device_list", &devices, Ok(())),
        ("Envelope::read", &envelope, Ok(())),
    ] {
        let reader = READERS.iter().find(|reader| reader.name == name).unwrap();
        let read = |bytes: &[u8]| std::str::from_utf8(bytes).map(reader.read);
        let whole = text.as_bytes();
        assert_eq!(read(whole), Ok(expected), "{name}");
        for end in 0..whole.len() {
            assert!(!matches!(read(&whole[..end]), Ok(Ok(()))), "{name} {end}");
        }
        for position in 0..whole.len() {
            let mut changed = whole.to_vec();
            for bit in 0..8 {
                changed[position] = whole[position] ^ (1 << bit);
                let _ = read(&changed);
            }
            let mut longer = whole.to_vec();
            longer.insert(position, 0);
            for byte in 0..=u8::MAX {
                longer[position] = byte;
                let _ = read(&longer);
            }
        }
    }
}

/// The floor of stanzas does not know that of messages, and has the number of its own.
#[test]
fn a_stanza_lets_through_as_long_a_key_as_a_message_may_be() {
    assert_eq!(MAX_KEY_BYTES, omemo::protocol::MAX_MESSAGE_LEN);
}
