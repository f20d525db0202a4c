//! What was let out: which message key encrypted what, and messages as the stanzas that carry them.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use omemo::model::{BareJid, DeviceId, Encrypted, OwnKey, RecipientKey, Version};
use omemo::protocol::{KeyExchange, RatchetMessage};
use omemo::stanza::{Message, write_encrypted};

/// Every message key that was used by a message that was let out, named by version, ratchet key and
/// counter, and the ciphertext that it made.
#[derive(Clone, Default)]
pub(crate) struct Ledger(BTreeMap<(Version, [u8; 32], u32), Vec<u8>>);

impl Ledger {
    /// Puts down a key element. False if its message key has encrypted something else before.
    #[must_use]
    pub(crate) fn takes(&mut self, version: Version, key_exchange: bool, bytes: &[u8]) -> bool {
        let exchange = key_exchange.then(|| KeyExchange::read(version, bytes).unwrap());
        let message = match &exchange {
            Some(exchange) => exchange.message().clone(),
            None => RatchetMessage::read(version, bytes).unwrap(),
        };
        let header = message.header();
        let name = (version, *header.dh.as_bytes(), header.n);
        let ciphertext = [message.ciphertext(), message.mac()].concat();
        let known = self.0.entry(name).or_insert_with(|| ciphertext.clone());
        *known == ciphertext
    }

    /// Puts down all keys of some elements. False if one of them was used before.
    #[must_use]
    pub(crate) fn takes_all(&mut self, elements: &[Encrypted<RecipientKey>]) -> bool {
        let mut is_new = true;
        for element in elements {
            for key in &element.keys {
                is_new &= self.takes(element.version, key.key_exchange, &key.bytes);
            }
        }
        is_new
    }

    /// I1: puts down all keys of a stanza, none of which was used before.
    pub(crate) fn note(&mut self, xml: &str) {
        for element in Message::list(xml).unwrap().encrypted {
            for key in &element.keys {
                let bytes = BASE64_STANDARD.decode(&*key.text).unwrap();
                let is_new = self.takes(element.version, key.key_exchange, &bytes);
                assert!(is_new, "two messages under one key: {xml}");
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The stanza of a message, in one line.
pub(crate) fn stanza(from: &BareJid, to: &BareJid, elements: &[Encrypted<RecipientKey>]) -> String {
    let written: String = elements
        .iter()
        .map(|element| write_encrypted(element).unwrap())
        .collect();
    assert!(!written.contains('\n'));
    format!("<message from='{from}' to='{to}'>{written}</message>")
}

/// The sender of a stanza, and what is in it for one device.
pub(crate) fn open_stanza(
    xml: &str,
    account: &BareJid,
    device: DeviceId,
) -> (BareJid, Vec<Encrypted<OwnKey>>) {
    let message = Message::read(xml, account, device).unwrap();
    let sender = message.sender().unwrap().unwrap();
    (sender, message.encrypted)
}
