//! Whole messages: what an account's device does with a stanza.

use omemo::model::{BareJid, Encrypted, OwnKey, Version};
use omemo::protocol::{self, KeyMaterial};
use omemo::ratchet::Budget;
use omemo::stanza::{Addressee, Envelope, Message};

use super::class::Class;
use super::device::Device;
use super::problem::{Open, Problem};
use super::sender::Origin;

/// A device of an account, with one remote device to talk to.
#[derive(Clone, Debug)]
pub(super) struct Inbox {
    pub(super) account: BareJid,
    pub(super) device: Device,
    pub(super) remote: Origin,
}

/// What came of a message.
#[derive(Debug)]
pub(super) struct Received {
    /// What the ratchet decrypted, also where nothing else comes of it.
    pub(super) key_material: Option<KeyMaterial>,
    pub(super) content: Result<Content, Problem>,
}

/// What somebody wrote.
#[derive(Debug)]
pub(super) enum Content {
    /// Nothing: the message has keys only.
    Empty,
    /// Legacy has the text alone.
    Text(String),
    /// OMEMO 2 has an envelope with or without a text in it.
    Enveloped {
        body: Option<String>,
        envelope: Vec<u8>,
    },
}

impl Inbox {
    /// Reads a message and decrypts what is in it for this device.
    pub(super) fn receive(&mut self, xml: &str) -> Received {
        let mut key_material = None;
        let content = self.read(xml, &mut key_material);
        Received {
            key_material,
            content,
        }
    }

    fn read(
        &mut self,
        xml: &str,
        key_material: &mut Option<KeyMaterial>,
    ) -> Result<Content, Problem> {
        let message = Message::read(xml, &self.account, self.device.id()).map_err(Class::from)?;
        let (Ok(Some(from)), Ok(Some(to))) = (message.sender(), message.recipient()) else {
            return Err(Class::Malformed.into());
        };
        let encrypted = message.of(self.device.version()).ok_or(Class::Malformed)?;
        if encrypted.keys.is_empty() {
            return Err(Class::NotForThisDevice.into());
        }
        if from != self.remote.account || encrypted.sender_device != self.remote.device {
            return Err(Class::NoSession.into());
        }
        let mut content = None;
        self.decrypt(&encrypted.keys, &mut |material| {
            *key_material = Some(material.clone());
            content = Some(open(encrypted, material, &from, &to)?);
            Ok(())
        })?;
        content.ok_or_else(|| Problem::Broken("nobody asked for the payload".to_owned()))
    }

    /// Tries one key after the other: a legacy `rid` does not say whose device it is.
    fn decrypt(&mut self, keys: &[OwnKey], open: Open<'_>) -> Result<(), Problem> {
        let mut budget = Budget::for_stanza();
        let mut refusals = Vec::new();
        for key in keys {
            let received = self
                .device
                .receive(&key.bytes, key.key_exchange, &mut budget, open);
            match received {
                Err(Problem::Refused(class)) => refusals.push(class),
                result => return result.map(drop),
            }
        }
        Err(Class::of_all(&refusals)
            .unwrap_or(Class::NotForThisDevice)
            .into())
    }
}

/// Opens the payload with what the ratchet decrypted.
fn open(
    encrypted: &Encrypted<OwnKey>,
    key_material: &KeyMaterial,
    from: &BareJid,
    to: &BareJid,
) -> Result<Content, Class> {
    let Some(payload) = &encrypted.payload else {
        return Ok(Content::Empty);
    };
    let plaintext = protocol::of(encrypted.version)
        .open_payload(key_material, encrypted.iv.as_deref(), payload)
        .map_err(|_| Class::Payload)?
        .to_vec();
    match encrypted.version {
        Version::Legacy => String::from_utf8(plaintext)
            .map(Content::Text)
            .map_err(|_| Class::Payload),
        Version::Omemo2 => {
            let envelope = Envelope::read(&plaintext)?;
            envelope.check(from, Addressee::Account(to))?;
            let body = envelope.body.map(String::from);
            Ok(Content::Enveloped {
                body,
                envelope: plaintext,
            })
        }
    }
}
