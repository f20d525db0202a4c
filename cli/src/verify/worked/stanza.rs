//! The bundle and the first message of the conversation, as XML.

use omemo::model::Bundle;
use omemo::stanza::Message;

use super::super::bundle;
use super::super::bytes::same;
use super::super::inbox::{Content, Inbox};
use super::super::sender::{Origin, account};
use super::super::transcript::Transcript;
use super::cast::Cast;
use super::conversation;

pub(super) fn replay(cast: &Cast, values: &mut Transcript<'_>) -> Result<(), String> {
    let xml = values.text("bundle_xml")?;
    let expected = conversation::bundle(cast, values)?;
    values.add("bundle_xml", is_bundle(&expected, &xml));

    let element = values.text("message_xml")?;
    let xml = format!("<message from='{ALICE}' to='{BOB}' type='chat'>{element}</message>");
    let key = values.text("messages.0.key_element_base64")?;
    values.add("message_xml", has_key(cast, &xml, &key));
    let plaintext = values.text("payload.plaintext_utf8")?;
    values.add("message_xml", receive(cast, &xml, &plaintext));
    Ok(())
}

const ALICE: &str = "alice@example.org";
const BOB: &str = "bob@example.org";

/// Whether that bundle is written there, with a good signature.
fn is_bundle(expected: &Bundle, xml: &str) -> Result<(), String> {
    match bundle::read_verified(expected.version, xml) {
        Ok(came) if came == *expected => Ok(()),
        Ok(_) => Err("expected the bundle of these keys, came another".to_owned()),
        Err(class) => Err(format!("expected a bundle, came the error {class}")),
    }
}

/// Whether the stanza has that key and no other.
fn has_key(cast: &Cast, xml: &str, expected: &str) -> Result<(), String> {
    let message = Message::list(xml).map_err(|error| error.to_string())?;
    let encrypted = message
        .of(cast.version())
        .ok_or("it is of another version")?;
    match encrypted.keys.as_slice() {
        [key] if key.text == expected => Ok(()),
        _ => Err(format!("expected the key {expected}, came another")),
    }
}

fn receive(cast: &Cast, xml: &str, plaintext: &str) -> Result<(), String> {
    let mut bob = Inbox {
        account: account(BOB)?,
        device: conversation::bob(cast),
        remote: Origin {
            account: account(ALICE)?,
            device: cast.alice_device,
        },
    };
    let came = match bob.receive(xml).content {
        Ok(Content::Text(text)) => text.into_bytes(),
        Ok(Content::Enveloped { envelope, .. }) => envelope,
        Ok(Content::Empty) => return Err("expected content, came none".to_owned()),
        Err(problem) => return Err(format!("expected success, came {}", problem.class()?)),
    };
    same("plaintext", plaintext.as_bytes(), &came)
}
