//! `<bundle/>`: what others need to begin a conversation with a device.

use std::collections::BTreeSet;

use omemo::crypto::SignedPreKeyPublic;
use omemo::crypto::ed25519::Signature;
use omemo::model::Version;
use omemo::protocol;
use omemo::stanza::read_bundle;

use super::outline::{Element, Outline};
use super::value::{KeyKind, check_key, decode, hex, note_key_id, parse_id, show_key};
use crate::name_of;
use crate::page::Page;

/// What the versions call the parts.
struct Names {
    signed_pre_key: &'static str,
    signed_pre_key_id: &'static str,
    signature: &'static str,
    identity: &'static str,
    pre_key: &'static str,
    pre_key_id: &'static str,
}

const fn names(version: Version) -> Names {
    match version {
        Version::Legacy => Names {
            signed_pre_key: "signedPreKeyPublic",
            signed_pre_key_id: "signedPreKeyId",
            signature: "signedPreKeySignature",
            identity: "identityKey",
            pre_key: "preKeyPublic",
            pre_key_id: "preKeyId",
        },
        Version::Omemo2 => Names {
            signed_pre_key: "spk",
            signed_pre_key_id: "id",
            signature: "spks",
            identity: "ik",
            pre_key: "pk",
            pre_key_id: "id",
        },
    }
}

/// Fewer than this are used up soon. Clients refill at 20 to 99 of 100.
const FEW: usize = 20;

/// Explains the `<bundle/>` element at a place.
pub fn explain(page: &mut Page, version: Version, outline: &Outline<'_>, place: usize) {
    page.heading(format_args!("Bundle, {}", name_of(version)));
    let names = names(version);
    let (mut identity, mut signed_pre_key, mut signature) = (None, None, None);
    for (place, child) in outline.kin(place) {
        let name = child.name.as_str();
        if name == "prekeys" {
            explain_pre_keys(page, version, &names, outline, place);
        } else if name == names.identity {
            let key = decode(page, name, &child.content);
            show_key(
                page,
                name,
                version,
                KeyKind::Identity,
                &key,
                "the device's identity",
            );
            identity = Some(key);
        } else if name == names.signed_pre_key {
            let key = decode(page, name, &child.content);
            show_key(
                page,
                name,
                version,
                KeyKind::Other,
                &key,
                "the signed pre-key",
            );
            explain_id(page, name, names.signed_pre_key_id, child);
            signed_pre_key = Some(key);
        } else if name == names.signature {
            let bytes = decode(page, name, &child.content);
            // Of 64 bytes, two lines.
            let lines: Vec<_> = bytes.chunks(32).take(2).map(hex).collect();
            page.field(name, lines.join("\n"));
            signature = Some(bytes);
        } else {
            page.note(format_args!("<{name}/> is unknown and passed over"));
        }
    }
    match (identity, signed_pre_key, signature) {
        (Some(identity), Some(key), Some(signature)) => {
            explain_signature(page, version, &identity, &key, &signature);
        }
        _ => page.problem("the signature cannot be checked: a part is missing"),
    }
    match read_bundle(version, &outline.source(place)) {
        Ok(_) => page.field("verdict", format!("well-formed, {}", name_of(version))),
        Err(error) => page.problem(format_args!("the library refuses this bundle: {error}")),
    }
}

fn explain_id(page: &mut Page, name: &str, attribute: &str, element: &Element) -> Option<u32> {
    match parse_id(element.attribute(attribute)) {
        Ok(id) => {
            page.field(format!("  {attribute}"), id);
            note_key_id(page, attribute, u64::from(id));
            Some(id)
        }
        Err(error) => {
            page.problem(format_args!("{attribute} of <{name}/>: {error}"));
            None
        }
    }
}

fn explain_signature(
    page: &mut Page,
    version: Version,
    identity: &[u8],
    signed_pre_key: &[u8],
    signature: &[u8],
) {
    let Ok(signature) = <[u8; 64]>::try_from(signature) else {
        return page.problem(format_args!(
            "the signature has {} bytes; 64 are right",
            signature.len()
        ));
    };
    let [.., last] = signature;
    page.field(
        "sign bit",
        format!(
            "{}  of the identity, in bit 7 of the signature's last byte",
            last >> 7
        ),
    );
    let protocol = protocol::of(version);
    let identity = version.decode_identity(identity);
    let key = version
        .strip_key_prefix(signed_pre_key)
        .and_then(SignedPreKeyPublic::from_slice);
    let (Ok(identity), Ok(key)) = (identity, key) else {
        return page.problem("the signature cannot be checked: a key of it is broken");
    };
    match protocol.verify(&identity, &key, &Signature::from_bytes(signature)) {
        Ok(()) => page.field(
            "signature",
            "verifies: the identity key signed the signed pre-key",
        ),
        Err(error) => page.problem(format_args!(
            "{error}: the identity key did not sign this signed pre-key; nobody may use the bundle"
        )),
    }
}

fn explain_pre_keys(
    page: &mut Page,
    version: Version,
    names: &Names,
    outline: &Outline<'_>,
    place: usize,
) {
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for (_, child) in outline.kin(place) {
        if child.name != names.pre_key {
            page.note(format_args!(
                "<{}/> among the pre-keys is unknown and passed over",
                child.name
            ));
            continue;
        }
        count += 1;
        let id = match parse_id(child.attribute(names.pre_key_id)) {
            Ok(id) => id,
            Err(error) => {
                page.problem(format_args!(
                    "{} of a <{}/>: {error}",
                    names.pre_key_id, names.pre_key
                ));
                continue;
            }
        };
        note_key_id(page, names.pre_key_id, u64::from(id));
        if !ids.insert(id) {
            page.note(format_args!(
                "pre-key {id} is there more than once: the last counts"
            ));
        }
        let label = format!("<{}/> {id}", names.pre_key);
        let key = decode(page, &label, &child.content);
        if let Err(error) = check_key(version, KeyKind::Other, &key) {
            page.problem(format_args!("{label}: {error} ({} bytes)", key.len()));
        }
    }
    let range = match (ids.first(), ids.last()) {
        (Some(first), Some(last)) if first == last => format!("{count}, with the id {first}"),
        (Some(first), Some(last)) => format!("{count}, with ids from {first} to {last}"),
        _ => count.to_string(),
    };
    page.field("prekeys", range);
    match count {
        0 => page.problem("without a one-time pre-key nobody can begin a conversation"),
        1..FEW => {
            page.note("few pre-keys: each is used once, and when they are gone nobody can begin")
        }
        _ => {}
    }
}
