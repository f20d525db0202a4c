//! Kind `capture`: stanzas of real clients. What one is, its file's name says.
//!
//! ```text
//! legacy-message-muc-prekey-sent-prof-slix-juliet-1.xml
//! omemo2-publish-bundle-slix-slix2-romeo-2.xml
//! event-omemo2-devices-slix-slix2-romeo-1.xml
//! ```

use std::path::Path;

use omemo::model::{DeviceId, Version};
use omemo::protocol::{KeyExchange, RatchetMessage};
use omemo::stanza::{Items, Message, Node, Source, StanzaKind};

use super::bundle;
use super::bytes::read_base64;
use super::class::Class;
use super::sheet::{Outcome, Sheet};

/// Reads a stanza as what it is.
pub(super) fn replay(path: &Path, text: &str, sheet: &mut Sheet) -> Result<(), String> {
    "capture".clone_into(&mut sheet.kind);
    let name = path
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let parts: Vec<&str> = name.split('-').collect();
    let stanza = without_comment(text)?;
    match parts.as_slice() {
        ["event", version, "devicelist" | "devices", ..] => {
            devices(stanza, read_version(version)?, Source::Event)
        }
        [version, action, "devicelist" | "devices", ..] => {
            devices(stanza, read_version(version)?, read_source(action)?)
        }
        [version, action, "bundle", ..] => {
            bundles(stanza, read_version(version)?, read_source(action)?)
        }
        [version, "message", form @ ..] => message(stanza, read_version(version)?, form),
        _ => Err("the name says nothing that is known".to_owned()),
    }?;
    sheet.add("", Ok(Outcome::Passed));
    Ok(())
}

/// The stanza behind the comment that says where it is from.
fn without_comment(text: &str) -> Result<&str, String> {
    let (comment, stanza) = text.split_once('\n').unwrap_or((text, ""));
    if comment.starts_with("<!--") && comment.ends_with("-->") {
        Ok(stanza.trim_end_matches('\n'))
    } else {
        Err("expected a comment in the first line, came none".to_owned())
    }
}

fn read_version(name: &str) -> Result<Version, String> {
    match name {
        "legacy" => Ok(Version::Legacy),
        "omemo2" => Ok(Version::Omemo2),
        other => Err(format!("the version {other:?} is unknown")),
    }
}

fn read_source(action: &str) -> Result<Source, String> {
    match action {
        "publish" => Ok(Source::Publish),
        "result" => Ok(Source::Result),
        other => Err(format!("the action {other:?} is unknown")),
    }
}

fn devices(xml: &str, version: Version, source: Source) -> Result<(), String> {
    let items = items(xml, source)?;
    if items.node != Node::DeviceList(version) {
        return Err(format!(
            "expected {}, came {}",
            Node::DeviceList(version),
            items.node
        ));
    }
    let list = items.device_list().map_err(|error| error.to_string())?;
    match list {
        Some(_) => Ok(()),
        None => Err("expected a device list, came none".to_owned()),
    }
}

fn bundles(xml: &str, version: Version, source: Source) -> Result<(), String> {
    let items = items(xml, source)?;
    if items.node.version() != version {
        return Err(format!(
            "expected a node of {}, came {}",
            version.namespace(),
            items.node
        ));
    }
    let devices: Vec<DeviceId> = items.bundle_devices().collect();
    if devices.is_empty() || devices.len() != items.items.len() {
        return Err(format!(
            "expected a bundle in each of {} items, came {}",
            items.items.len(),
            devices.len()
        ));
    }
    for device in devices {
        let bundle = items
            .bundle(device)
            .map_err(|error| error.to_string())?
            .ok_or("expected a bundle, came none")?;
        bundle::verify(&bundle)
            .map_err(|class: Class| format!("expected a bundle, came {class}"))?;
    }
    Ok(())
}

fn items(xml: &str, source: Source) -> Result<Items<'_>, String> {
    let items = Items::read(xml)
        .map_err(|error| error.to_string())?
        .ok_or("expected items of a node of OMEMO, came none")?;
    if items.source == source {
        Ok(items)
    } else {
        Err(format!("expected {source:?}, came {:?}", items.source))
    }
}

/// The words of the name in front of the clients say what is in a message.
fn message(xml: &str, version: Version, form: &[&str]) -> Result<(), String> {
    let message = Message::list(xml).map_err(|error| error.to_string())?;
    let encrypted = message
        .of(version)
        .ok_or("expected an <encrypted/> of its version, came none")?;
    for key in &encrypted.keys {
        let bytes = read_base64(&key.text)?;
        let read = if key.key_exchange {
            KeyExchange::read(version, &bytes).map(drop)
        } else {
            RatchetMessage::read(version, &bytes).map(drop)
        };
        read.map_err(|error| format!("the key for {}: {error}", key.device))?;
    }
    let is_exchange = encrypted.keys.iter().any(|key| key.key_exchange);
    let seen = [
        (
            "a message",
            true,
            message.stanza == StanzaKind::Message && message.encrypted.len() == 1,
        ),
        ("keys", true, !encrypted.keys.is_empty()),
        (
            "no payload",
            form.contains(&"empty"),
            encrypted.payload.is_none(),
        ),
        ("a key exchange", form.contains(&"prekey"), is_exchange),
        ("no key exchange", form.contains(&"normal"), !is_exchange),
        (
            "a message in a room",
            form.contains(&"muc"),
            message.kind.as_deref() == Some("groupchat"),
        ),
        (
            "one that was sent or received",
            true,
            form.contains(&"sent") != form.contains(&"received"),
        ),
    ];
    match seen.iter().find(|(_, expected, came)| expected != came) {
        Some((what, true, _)) => Err(format!("expected {what}, came something else")),
        Some((what, ..)) => Err(format!("expected something else, came {what}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<(), String> {
        let mut sheet = Sheet::new("");
        replay(Path::new(name), text, &mut sheet)?;
        assert_eq!((sheet.items(), sheet.passed), (1, 1));
        Ok(())
    }

    #[test]
    fn a_name_is_held_against_what_is_inside() {
        let list = "<!-- from a client -->\n<iq type='result'>\
            <pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:omemo:2:devices'>\
            <item><devices xmlns='urn:xmpp:omemo:2'/></item></items></pubsub></iq>\n";
        assert_eq!(read("omemo2-result-devices-a-b-1.xml", list), Ok(()));
        for other in [
            "omemo2-publish-devices.xml",
            "event-omemo2-devices.xml",
            "legacy-result-devicelist.xml",
            "omemo2-result-bundle.xml",
            "omemo2-message-normal-sent.xml",
            "omemo2-result-avatar.xml",
            "omemo3-result-devices.xml",
            "omemo2-ask-devices.xml",
            "devices.xml",
        ] {
            assert!(read(other, list).is_err(), "{other}");
        }
        let bare = list.split_once('\n').unwrap().1;
        assert!(read("omemo2-result-devices.xml", bare).is_err());
        let twice = format!("<!-- again -->\n{list}");
        assert!(read("omemo2-result-devices.xml", &twice).is_err());
    }
}
