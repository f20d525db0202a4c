//! `<encrypted/>`: a payload, and its key for each device.

use std::collections::BTreeSet;

use omemo::model::Version;
use omemo::protocol::{KeyExchange, RatchetMessage};
use omemo::stanza::Message;

use super::key;
use super::outline::{Element, Outline};
use super::structure::Structure;
use super::value::{decode, excerpt, parse_id};
use crate::name_of;
use crate::page::Page;

/// Explains the `<encrypted/>` element at a place.
pub fn explain(page: &mut Page, version: Version, outline: &Outline<'_>, place: usize) {
    page.heading(format_args!("Encrypted message, {}", name_of(version)));
    let (mut header, mut payload) = (None, None);
    for (place, child) in outline.kin(place) {
        match child.name.as_str() {
            "header" => header = Some((place, child)),
            "payload" => payload = Some(child),
            name => page.note(format_args!("<{name}/> is unknown and passed over")),
        }
    }
    let Some((header, element)) = header else {
        return page.problem("<header/> is missing");
    };
    match parse_id(element.attribute("sid")) {
        Ok(0) => page.problem("sid, the sender's device, is 0"),
        Ok(sid) => page.field("sid", format!("{sid}  the sender's device")),
        Err(error) => page.problem(format_args!("sid, the sender's device: {error}")),
    }
    explain_payload(page, version, payload);

    let mut keys = Vec::new();
    let mut iv = None;
    for (place, child) in outline.kin(header) {
        match (version, child.name.as_str()) {
            (Version::Legacy, "iv") => iv = Some(child),
            (Version::Legacy, "key") => keys.push((None, child)),
            (Version::Omemo2, "keys") => {
                let account = child.attribute("jid");
                if account.is_none() {
                    page.problem("<keys/> has no jid: nobody takes its keys for his");
                }
                let found = outline.kin(place).filter(|(_, key)| key.name == "key");
                keys.extend(found.map(|(_, key)| (account, key)));
            }
            (_, name) => page.note(format_args!("<{name}/> is unknown and passed over")),
        }
    }
    if version == Version::Legacy {
        explain_iv(page, iv);
    }
    if keys.is_empty() {
        page.note("it has no key for any device");
    }
    let mut devices = BTreeSet::new();
    for (account, key) in keys {
        explain_key(page, version, account, key, payload.is_some());
        if !devices.insert((account, key.attribute("rid"))) {
            page.note(
                "there is another key for this rid: two accounts have such a device, or the \
                 sender made a mistake; each is tried",
            );
        }
    }
    if let Err(error) = Message::list(&format!("<message>{}</message>", outline.source(place))) {
        page.problem(format_args!(
            "the library refuses this <encrypted/>: {error}"
        ));
    }
}

fn explain_payload(page: &mut Page, version: Version, payload: Option<&Element>) {
    let Some(payload) = payload else {
        return page.field("payload", "none: an empty message, for its keys alone");
    };
    let bytes = decode(page, "<payload/>", &payload.content);
    let length = bytes.len();
    let about = match version {
        Version::Legacy => format!("AES-128-GCM: a text of {length} bytes"),
        Version::Omemo2 if length > 0 && length.is_multiple_of(16) => {
            format!(
                "AES-256-CBC: an envelope of {} to {} bytes",
                length - 16,
                length - 1
            )
        }
        Version::Omemo2 => String::new(),
    };
    page.field("payload", format!("{}\n{about}", excerpt(&bytes)));
    if about.is_empty() {
        page.problem(format_args!(
            "<payload/>: {length} bytes are no whole number of blocks of 16"
        ));
    }
}

fn explain_iv(page: &mut Page, iv: Option<&Element>) {
    let Some(iv) = iv else {
        return page.problem("<iv/> is missing: legacy wants one even without a payload");
    };
    let bytes = decode(page, "<iv/>", &iv.content);
    page.field("iv", excerpt(&bytes));
    match bytes.len() {
        12 => {}
        16 => page
            .note("16 bytes are an older form of <iv/>, which some clients refuse; 12 are right"),
        length => page.problem(format_args!("<iv/> has {length} bytes; 12 are right")),
    }
}

fn explain_key(
    page: &mut Page,
    version: Version,
    account: Option<&str>,
    element: &Element,
    has_payload: bool,
) {
    let rid = element.attribute("rid");
    let of = account.map_or(String::new(), |account| format!(" of {account}"));
    page.heading(format_args!("Key for device {}{of}", rid.unwrap_or("?")));
    match parse_id(rid) {
        Ok(0) => page.note("rid is 0, which no device can have: this key is passed over"),
        Ok(rid) => page.field("rid", format!("{rid}  the recipient's device")),
        Err(error) => page.problem(format_args!("rid, the recipient's device: {error}")),
    }
    let attribute = match version {
        Version::Legacy => "prekey",
        Version::Omemo2 => "kex",
    };
    let value = element.attribute(attribute);
    page.field(attribute, value.unwrap_or("not there, which means false"));
    let bytes = decode(page, "<key/>", &element.content);
    let structure = key::explain(page, version, &bytes);

    let says_exchange = value.is_some_and(|value| ["true", "1"].contains(&value.trim()));
    if structure.is_some_and(|is| (is == Structure::KeyExchange) != says_exchange) {
        page.note(format_args!(
            "{attribute} says the opposite of what the bytes are; nobody authenticates it, and the \
             bytes count"
        ));
    } else if value.is_some_and(|value| !["true", "false"].contains(&value)) {
        page.note(format_args!(
            "{attribute} should be \"true\": some clients read nothing else"
        ));
    }
    if has_payload {
        note_material(page, version, structure, &bytes);
    }
}

/// What the length of the ciphertext tells about the key material, where there is a payload.
fn note_material(page: &mut Page, version: Version, structure: Option<Structure>, bytes: &[u8]) {
    let length = match structure {
        Some(Structure::KeyExchange) => {
            KeyExchange::read(version, bytes).map(|exchange| exchange.message().ciphertext().len())
        }
        _ => RatchetMessage::read(version, bytes).map(|message| message.ciphertext().len()),
    };
    match (version, length) {
        (_, Err(_)) | (Version::Legacy, Ok(48)) | (Version::Omemo2, Ok(64)) => {}
        (Version::Legacy, Ok(32)) => page.note(
            "the key material is short of a tag: an older form, with the tag behind the payload, \
             which other recipients can forge; it is refused by default",
        ),
        (Version::Legacy, Ok(_)) => {
            page.problem("the key material has not the 32 bytes of a key and a tag")
        }
        (Version::Omemo2, Ok(_)) => {
            page.problem("the key material has not the 48 bytes of a key and a tag")
        }
    }
}
