//! What is written is what is read again, and what real clients wrote.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod fixtures;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fixtures::fixtures;
use omemo::model::{BareJid, DeviceId, Encrypted, OwnKey, RecipientKey, Version};
use omemo::stanza::{Defect, Limit, MAX_KEYS, Message, StanzaError, write_encrypted};

fn jid(text: &str) -> BareJid {
    text.parse().unwrap()
}

fn device(id: u32) -> DeviceId {
    DeviceId::new(id).unwrap()
}

fn key(account: &str, id: u32, key_exchange: bool, bytes: &[u8]) -> RecipientKey {
    RecipientKey {
        account: jid(account),
        device: device(id),
        key_exchange,
        bytes: bytes.to_vec(),
    }
}

fn encrypted(version: Version, payload: Option<&[u8]>) -> Encrypted<RecipientKey> {
    Encrypted {
        version,
        sender_device: device(1111),
        keys: vec![
            key("romeo@montague.example", 2222, true, &[0, 1, 2]),
            key("juliet@capulet.example", 3333, false, &[3; 40]),
            key("romeo@montague.example", 4444, false, &[0xff]),
        ],
        iv: (version == Version::Legacy).then(|| vec![9; 12]),
        payload: payload.map(<[u8]>::to_vec),
    }
}

#[test]
fn encrypted_elements_byte_for_byte() {
    assert_eq!(
        write_encrypted(&encrypted(Version::Legacy, Some(b"text"))).unwrap(),
        "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1111'>\
         <key rid='2222' prekey='true'>AAEC</key>\
         <key rid='3333'>AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw==</key>\
         <key rid='4444'>/w==</key><iv>CQkJCQkJCQkJCQkJ</iv></header>\
         <payload>dGV4dA==</payload></encrypted>"
    );
    assert_eq!(
        write_encrypted(&encrypted(Version::Omemo2, Some(b"text"))).unwrap(),
        "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1111'>\
         <keys jid='juliet@capulet.example'>\
         <key rid='3333'>AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw==</key></keys>\
         <keys jid='romeo@montague.example'><key rid='2222' kex='true'>AAEC</key>\
         <key rid='4444'>/w==</key></keys></header><payload>dGV4dA==</payload></encrypted>"
    );
}

#[test]
fn an_empty_message_keeps_its_nonce_and_an_empty_text_its_payload() {
    let legacy = write_encrypted(&encrypted(Version::Legacy, None)).unwrap();
    assert!(legacy.ends_with("<iv>CQkJCQkJCQkJCQkJ</iv></header></encrypted>"));
    let omemo2 = write_encrypted(&encrypted(Version::Omemo2, None)).unwrap();
    assert!(omemo2.ends_with("</keys></header></encrypted>"));
    for version in Version::ALL {
        let text = write_encrypted(&encrypted(version, Some(b""))).unwrap();
        assert!(text.ends_with("</header><payload/></encrypted>"), "{text}");
    }
}

#[test]
fn each_device_reads_its_keys_again() {
    for version in Version::ALL {
        for payload in [None, Some(&b""[..]), Some(b"\x00text")] {
            let written = encrypted(version, payload);
            let xml = format!("<message>{}</message>", write_encrypted(&written).unwrap());
            for key in &written.keys {
                let read = Message::read(&xml, &key.account, key.device).unwrap();
                let own = OwnKey {
                    key_exchange: key.key_exchange,
                    bytes: key.bytes.clone(),
                };
                let expected = Encrypted {
                    version,
                    sender_device: written.sender_device,
                    keys: vec![own],
                    iv: written.iv.clone(),
                    payload: written.payload.clone(),
                };
                assert_eq!(read.encrypted, [expected]);
            }
        }
    }
}

#[test]
fn what_others_could_not_read_is_not_written() {
    let mut legacy = encrypted(Version::Legacy, None);
    for (iv, defect) in [
        (None, Defect::Missing),
        (Some(vec![9; 16]), Defect::Length),
        (Some(vec![]), Defect::Length),
    ] {
        legacy.iv = iv;
        let element = "iv";
        assert_eq!(
            write_encrypted(&legacy),
            Err(StanzaError::Malformed { element, defect })
        );
    }
    for version in Version::ALL {
        let mut many = encrypted(version, None);
        many.keys = vec![many.keys[0].clone(); MAX_KEYS];
        let xml = format!("<message>{}</message>", write_encrypted(&many).unwrap());
        let list = Message::list(&xml).unwrap();
        assert_eq!(list.encrypted[0].keys.len(), MAX_KEYS);
        many.keys.push(many.keys[0].clone());
        assert_eq!(write_encrypted(&many), Err(Limit::Keys.into()));
    }
}

/// What real clients sent, taken apart and written again, says the same.
#[test]
fn messages_of_real_clients_are_written_again() {
    let mut fixtures = fixtures();
    fixtures.retain(|(name, _)| name.contains("-message-"));
    assert!(fixtures.len() >= 70, "only {}", fixtures.len());
    for (name, stanza) in fixtures {
        let list = Message::list(&stanza).unwrap();
        let read = &list.encrypted[0];
        let keys = read.keys.iter().map(|key| {
            let account = key.account.as_deref().unwrap_or("whoever@example.org");
            let text = key.text.replace(['\n', ' '], "");
            let bytes = BASE64_STANDARD.decode(text).unwrap();
            self::key(account, key.device.get(), key.key_exchange, &bytes)
        });
        let again = Encrypted {
            version: read.version,
            sender_device: read.sender_device,
            keys: keys.collect(),
            iv: read.iv.clone(),
            payload: read.payload.clone(),
        };
        let xml = format!("<message>{}</message>", write_encrypted(&again).unwrap());
        let mut reread = Message::list(&xml).unwrap().encrypted.remove(0);
        let mut read = read.clone();
        for keys in [&mut read.keys, &mut reread.keys] {
            keys.sort_by_key(|key| (key.account.clone(), key.device));
        }
        assert_eq!(reread, read, "{name}");
    }
}
