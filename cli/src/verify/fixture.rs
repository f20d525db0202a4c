//! `kind: fixture`: what one real client sent to another while that was off line.

use omemo::crypto::ed25519::Signature;
use omemo::crypto::{EdwardsSign, IdentityKeyPair, PreKeyPair, Secret, SignedPreKeyPair};
use omemo::model::{DeviceId, Version};
use omemo::protocol;
use omemo::stanza::Message;
use serde::Deserialize;

use super::bytes::{Base64, fixed, same};
use super::device::Device;
use super::file::{ProtocolName, from_json};
use super::inbox::{Content, Inbox};
use super::sender::{self, Origin};
use super::sheet::{Checked, Outcome, Sheet};

#[derive(Deserialize)]
struct Fixture {
    protocol: ProtocolName,
    namespace: String,
    recipient: Recipient,
    sender_jid: String,
    messages: Vec<Sent>,
}

#[derive(Deserialize)]
struct Recipient {
    jid: String,
    device_id: u32,
    /// In Curve25519.
    identity_pub: Base64,
    identity_priv_x25519: Base64,
    identity_ed25519_seed: Option<Base64>,
    signed_pre_keys: Vec<SignedPreKey>,
    pre_keys: Vec<PreKey>,
}

#[derive(Deserialize)]
struct SignedPreKey {
    id: u32,
    #[serde(rename = "priv")]
    private: Base64,
    #[serde(rename = "sig")]
    signature: Base64,
}

#[derive(Deserialize)]
struct PreKey {
    id: u32,
    #[serde(rename = "priv")]
    private: Base64,
}

#[derive(Deserialize)]
struct Sent {
    stanza: String,
    body: String,
}

/// Replays a conversation.
pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let fixture: Fixture = from_json(text)?;
    let version = Version::from(fixture.protocol);
    if fixture.namespace != version.namespace() {
        return Err(format!("{} is not its namespace", fixture.namespace));
    }
    let first = fixture.messages.first().ok_or("there are no messages")?;
    let mut inbox = Inbox {
        account: sender::account(&fixture.recipient.jid)?,
        device: fixture.recipient.device(version)?,
        remote: Origin {
            account: sender::account(&fixture.sender_jid)?,
            device: sending_device(version, &first.stanza)?,
        },
    };
    for (number, message) in (1..).zip(&fixture.messages) {
        sheet.add(
            format_args!("message {number}"),
            receive(&mut inbox, message),
        );
    }
    Ok(())
}

/// The device that says it sent a message: the file does not name it.
fn sending_device(version: Version, xml: &str) -> Result<DeviceId, String> {
    let message = Message::list(xml).map_err(|error| error.to_string())?;
    let encrypted = message
        .of(version)
        .ok_or("the first message is of another version")?;
    Ok(encrypted.sender_device)
}

fn receive(inbox: &mut Inbox, message: &Sent) -> Checked {
    let body = match inbox.receive(&message.stanza).content {
        Ok(Content::Text(text)) => Some(text),
        Ok(Content::Enveloped { body, .. }) => body,
        Ok(Content::Empty) => None,
        Err(problem) => return Err(format!("expected success, came {}", problem.class()?)),
    };
    if body.as_ref() == Some(&message.body) {
        return Ok(Outcome::Passed);
    }
    Err(format!("body: expected {:?}, came {body:?}", message.body))
}

impl Recipient {
    /// The device before the first message, if all that the file says of it agrees.
    fn device(&self, version: Version) -> Result<Device, String> {
        let private = secret(&self.identity_priv_x25519)?;
        let identity = IdentityKeyPair::from_private(private, EdwardsSign::Natural);
        let curve = identity.curve25519().as_bytes();
        same("identity", &self.identity_pub.0, curve)?;
        if let Some(seed) = &self.identity_ed25519_seed {
            let seeded = IdentityKeyPair::from_seed(&secret(seed)?);
            same(
                "identity of the seed",
                curve,
                seeded.curve25519().as_bytes(),
            )?;
        }

        let id = DeviceId::new(self.device_id).ok_or("the device id is 0")?;
        let mut device = Device::new(version, id, identity.clone());
        for key in &self.signed_pre_keys {
            let pair = SignedPreKeyPair::from_private(secret(&key.private)?);
            let mut signature: [u8; 64] = fixed(&key.signature.0)?;
            if version == Version::Legacy && self.identity_ed25519_seed.is_some() {
                // Stored as a plain Ed25519 signature: the sign is put in when the bundle is published.
                signature[63] |= identity.ed25519().as_bytes()[31] & 0x80;
            }
            protocol::of(version)
                .verify(
                    &device.public_identity(),
                    pair.public(),
                    &Signature::from_bytes(signature),
                )
                .map_err(|error| format!("signed pre-key {}: {error}", key.id))?;
            device.add_signed_pre_key(key.id, pair);
        }
        for key in &self.pre_keys {
            device.add_pre_key(key.id, PreKeyPair::from_private(secret(&key.private)?));
        }
        Ok(device)
    }
}

fn secret(bytes: &Base64) -> Result<Secret<32>, String> {
    fixed(&bytes.0).map(Secret::new)
}
