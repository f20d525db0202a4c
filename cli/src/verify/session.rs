//! `kind: session`: the key elements of a conversation, step by step.

use omemo::crypto::ed25519::Signature;
use omemo::crypto::{PreKeyPublic, SignedPreKeyPublic};
use omemo::model::{Bundle, PreKeyEntry, PreKeyId, SignedPreKeyId, Version};
use omemo::ratchet::Budget;
use omemo::session::EncryptedKey;
use serde::Deserialize;

use super::bytes::{Base64, Fixed, Hex, Key, same};
use super::class::Wanted;
use super::device::Device;
use super::file::{ProtocolName, from_json};
use super::identity::Recipient;
use super::script::Script;
use super::sender::Sender;
use super::sheet::{Checked, Outcome, Sheet};

#[derive(Deserialize)]
struct Conversation {
    protocol: ProtocolName,
    recipient: Recipient,
    sender: Sender,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Step {
    Receive(Receive),
    Send(Send),
    Initiate(Box<Initiate>),
    Reset {},
}

#[derive(Deserialize)]
struct Receive {
    #[serde(rename = "tcId")]
    tc_id: u32,
    bytes: Base64,
    kex: bool,
    #[serde(default)]
    lenient: bool,
    #[serde(flatten)]
    wanted: Wanted<Received>,
}

#[derive(Deserialize)]
struct Received {
    plaintext: Hex,
}

#[derive(Deserialize)]
struct Send {
    #[serde(rename = "tcId")]
    tc_id: u32,
    plaintext: Hex,
    /// Of the chain that the message is in: drawn by the first one, given with each.
    ratchet_private: Option<Key>,
    #[serde(flatten)]
    sent: Sent,
}

#[derive(Deserialize)]
struct Initiate {
    #[serde(rename = "tcId")]
    tc_id: u32,
    bundle: BundleKeys,
    pre_key_id: u32,
    ephemeral_private: Key,
    ratchet_private: Key,
    plaintext: Hex,
    #[serde(flatten)]
    sent: Sent,
}

#[derive(Deserialize)]
struct BundleKeys {
    ik: Hex,
    spk_id: u32,
    spk: Key,
    signature: Fixed<64>,
    pre_keys: Vec<PublicPreKey>,
}

#[derive(Deserialize)]
struct PublicPreKey {
    id: u32,
    public: Key,
}

/// What is to go out.
#[derive(Deserialize)]
pub(super) struct Sent {
    bytes: Base64,
    kex: bool,
}

/// Replays a conversation.
pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let conversation: Conversation = from_json(text)?;
    let version = Version::from(conversation.protocol);
    conversation.sender.identity(version)?;
    let mut device = conversation.recipient.device(version)?;
    for step in &conversation.steps {
        match step {
            Step::Reset {} => {
                device = conversation.recipient.device(version)?;
                sheet.add("reset", Ok(Outcome::Passed));
            }
            // No later step depends on what comes of it, so a copy takes it.
            Step::Receive(step) if step.lenient => {
                sheet.test(step.tc_id, receive(&mut device.clone(), step));
            }
            Step::Receive(step) => sheet.test(step.tc_id, receive(&mut device, step)),
            Step::Send(step) => sheet.test(step.tc_id, send(&mut device, step)),
            Step::Initiate(step) => sheet.test(step.tc_id, initiate(&mut device, version, step)),
        }
    }
    Ok(())
}

fn receive(device: &mut Device, step: &Receive) -> Checked {
    let before = device.snapshot()?;
    let mut budget = Budget::for_stanza();
    let received = device.receive(&step.bytes.0, step.kex, &mut budget, &mut |_| Ok(()));
    let came = match received {
        Ok(plaintext) => Ok(plaintext),
        Err(problem) => {
            before.unchanged(&device.snapshot()?)?;
            Err(problem.class()?)
        }
    };
    step.wanted.judge(step.lenient, came, |wanted, came| {
        same("plaintext", &wanted.plaintext.0, came.expose())
    })
}

fn send(device: &mut Device, step: &Send) -> Checked {
    let draws = step.ratchet_private.iter().map(|key| key.0.as_slice());
    step.sent
        .compare(&device.send(&step.plaintext.0, &mut Script::new(draws))?)
}

fn initiate(device: &mut Device, version: Version, step: &Initiate) -> Checked {
    // The first draw chooses among the bundle's pre-keys, of which there is one.
    let draws = [
        &[0; 8],
        step.ephemeral_private.0.as_slice(),
        &step.ratchet_private.0,
    ];
    let mut script = Script::new(draws);
    let bundle = step.bundle.with_pre_key(version, step.pre_key_id)?;
    device.initiate(&bundle, &mut script)?;
    let sent = device.send(&step.plaintext.0, &mut script)?;
    if !script.is_used_up() {
        return Err("expected all keys of the step to be drawn, came fewer draws".to_owned());
    }
    step.sent.compare(&sent)
}

impl BundleKeys {
    /// The bundle with that pre-key alone.
    fn with_pre_key(&self, version: Version, id: u32) -> Result<Bundle, String> {
        let problem = |error: omemo::error::KeyError| format!("the bundle: {error}");
        let entry = self
            .pre_keys
            .iter()
            .find(|entry| entry.id == id)
            .ok_or("the pre-key is not in the bundle")?;
        Ok(Bundle {
            version,
            identity: version.decode_identity(&self.ik.0).map_err(problem)?,
            signed_pre_key_id: SignedPreKeyId::new(self.spk_id).ok_or("a signed pre-key 0")?,
            signed_pre_key: SignedPreKeyPublic::from_bytes(self.spk.0).map_err(problem)?,
            signature: Signature::from_bytes(self.signature.0),
            pre_keys: vec![PreKeyEntry {
                id: PreKeyId::new(id).ok_or("a pre-key 0")?,
                key: PreKeyPublic::from_bytes(entry.public.0).map_err(problem)?,
            }],
        })
    }
}

impl Sent {
    /// Whether that went out. Alternatives of other implementations do not count: ours is the first.
    pub(super) fn compare(&self, came: &EncryptedKey) -> Checked {
        same("bytes of the key element", &self.bytes.0, &came.bytes)?;
        if self.kex != came.key_exchange {
            return Err(format!(
                "expected kex={}, came kex={}",
                self.kex, came.key_exchange
            ));
        }
        Ok(Outcome::Passed)
    }
}
