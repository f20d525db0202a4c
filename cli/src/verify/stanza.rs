//! `kind: stanza`: whole messages, step by step.

use omemo::model::Version;
use serde::{Deserialize, Deserializer};

use super::bytes::{Base64, Hex, Key, same};
use super::class::Wanted;
use super::device::Device;
use super::file::{ProtocolName, from_json};
use super::identity::Recipient;
use super::inbox::{Content, Inbox};
use super::script::Script;
use super::sender::{self, Sender};
use super::sheet::{Checked, Outcome, Sheet};

#[derive(Deserialize)]
struct Conversation {
    protocol: ProtocolName,
    recipient: Recipient,
    sender: Sender,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "tcId")]
    tc_id: u32,
    /// A message comes in.
    stanza: Option<String>,
    /// Or one goes out.
    send: Option<Send>,
    key_material: Option<Hex>,
    #[serde(default)]
    lenient: bool,
    #[serde(flatten)]
    wanted: Wanted<Answer>,
}

#[derive(Deserialize)]
struct Send {
    bytes: Base64,
    plaintext: Hex,
    ratchet_private: Option<Key>,
}

/// What is to come out of a message.
#[derive(Deserialize)]
struct Answer {
    /// Is there for every message with a payload, and null where that has no body.
    #[serde(default, deserialize_with = "present")]
    body: Option<Option<String>>,
    #[serde(default)]
    empty: bool,
    envelope: Option<String>,
}

fn present<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(json).map(Some)
}

/// Replays a conversation.
pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let conversation: Conversation = from_json(text)?;
    let version = Version::from(conversation.protocol);
    let identity = conversation.sender.identity(version)?;
    let mut inbox = Inbox {
        account: conversation.recipient.account()?,
        device: conversation.recipient.device(version)?,
        remote: conversation.sender.origin()?,
    };
    for step in &conversation.steps {
        let checked = match (&step.stanza, &step.send) {
            // No later step depends on what comes of it, so a copy takes it.
            (Some(xml), None) if step.lenient => receive(&mut inbox.clone(), xml, step),
            (Some(xml), None) => receive(&mut inbox, xml, step),
            (None, Some(message)) => send(&mut inbox.device, message),
            _ => Err("a step has either a stanza or something to send".to_owned()),
        };
        let checked = checked.and_then(|outcome| {
            sender::check_pinned(&inbox.device, &identity)?;
            Ok(outcome)
        });
        sheet.test(step.tc_id, checked);
    }
    Ok(())
}

fn receive(inbox: &mut Inbox, xml: &str, step: &Step) -> Checked {
    let before = inbox.device.snapshot()?;
    let received = inbox.receive(xml);
    let came = match received.content {
        Ok(content) => Ok(content),
        Err(problem) => {
            before.unchanged(&inbox.device.snapshot()?)?;
            Err(problem.class()?)
        }
    };
    let outcome = step.wanted.judge(step.lenient, came, Answer::compare)?;
    match (&step.key_material, &received.key_material) {
        (Some(expected), Some(came)) => same("key material", &expected.0, came.expose())?,
        (Some(_), None) if !step.lenient => {
            return Err("expected key material, came none".to_owned());
        }
        (None, Some(_)) => return Err("expected no key material, came some".to_owned()),
        (_, None) => (),
    }
    Ok(outcome)
}

fn send(device: &mut Device, message: &Send) -> Checked {
    let draws = message.ratchet_private.iter().map(|key| key.0.as_slice());
    let sent = device.send(&message.plaintext.0, &mut Script::new(draws))?;
    same("bytes of the key element", &message.bytes.0, &sent.bytes)?;
    if sent.key_exchange {
        return Err("expected an answer, came a key exchange".to_owned());
    }
    Ok(Outcome::Passed)
}

impl Answer {
    fn compare(&self, came: Content) -> Result<(), String> {
        let (body, envelope) = match (self.empty, came) {
            (true, Content::Empty) => return Ok(()),
            (true, _) => return Err("expected an empty message, came one with content".to_owned()),
            (false, Content::Empty) => {
                return Err("expected content, came an empty message".to_owned());
            }
            (false, Content::Text(text)) => (Some(text), None),
            (false, Content::Enveloped { body, envelope }) => (body, Some(envelope)),
        };
        let expected = self.body.as_ref().ok_or("the step says no body")?;
        if *expected != body {
            return Err(format!("body: expected {expected:?}, came {body:?}"));
        }
        match &self.envelope {
            Some(expected) => same(
                "envelope",
                expected.as_bytes(),
                &envelope.unwrap_or_default(),
            ),
            None => Ok(()),
        }
    }
}
