//! Bundles (XEP-0384 §5.3.2; 0.3.0 §4.4).
//!
//! ```text
//! legacy:   <bundle><signedPreKeyPublic signedPreKeyId=''/><signedPreKeySignature/><identityKey/>
//!             <prekeys><preKeyPublic preKeyId=''/>…</prekeys></bundle>          keys: 05 || u
//! OMEMO 2:  <bundle><spk id=''/><spks/><ik/><prekeys><pk id=''/>…</prekeys></bundle>   keys: u;
//!             the identity: an Ed25519 encoding
//! ```

use std::collections::BTreeMap;

use super::tag::{Namespace, Tag};
use super::writer::Writer;
use super::xml::{Reader, Scope};
use super::{Limit, MAX_PRE_KEYS, StanzaError, base64, once, parse_id};
use crate::crypto::ed25519::Signature;
use crate::crypto::{IdentityKey, PreKeyPublic, PublicKey, Role, SignedPreKeyPublic};
use crate::error::KeyError;
use crate::model::{Bundle, PreKeyEntry, PreKeyId, SignedPreKeyId, Version};

/// Reads the `<bundle/>` of a version. Its keys are well-formed then; the signature is *not* verified.
///
/// Everything that a session needs must be there once and usable. Of the pre-keys one is enough: those
/// that cannot be used, or have no id that a key exchange can name, are left out. Of several with one id
/// the last counts. They come ordered by id. An id may be 0: Converse.js counts its keys from there.
///
/// # Errors
/// [`StanzaError`]: bytes that are no public key are [`StanzaError::Key`].
pub fn read_bundle(version: Version, xml: &str) -> Result<Bundle, StanzaError> {
    let mut reader = Reader::new(xml, Scope::Stream)?;
    let root = reader.root()?;
    if !root.is(Namespace::Omemo(version), "bundle") {
        return Err(StanzaError::missing("bundle"));
    }
    let names = names(version);
    let mut parts = Parts::default();
    while let Some(tag) = reader.child()? {
        let name = tag.local();
        if tag.namespace != root.namespace {
            reader.skip()?;
        } else if name == names.signed_pre_key {
            let id = id(&tag, names.signed_pre_key_id).map(SignedPreKeyId::in_bundle);
            let id = id.ok_or(StanzaError::attribute(names.signed_pre_key))?;
            let key = public_key(version, &reader.base64(names.signed_pre_key)?);
            let key = key.map_err(bad_key(names.signed_pre_key))?;
            once(&mut parts.signed_pre_key, (id, key), names.signed_pre_key)?;
        } else if name == names.signature {
            let signature = reader.base64(names.signature)?;
            let signature = <[u8; 64]>::try_from(signature)
                .map_err(|_| StanzaError::length(names.signature))?;
            let signature = Signature::from_bytes(signature);
            once(&mut parts.signature, signature, names.signature)?;
        } else if name == names.identity {
            let identity = version.decode_identity(&reader.base64(names.identity)?);
            let identity = identity.map_err(bad_key(names.identity))?;
            once(&mut parts.identity, identity, names.identity)?;
        } else if name == PRE_KEYS {
            let pre_keys = pre_keys(&mut reader, version, &names)?;
            once(&mut parts.pre_keys, pre_keys, PRE_KEYS)?;
        } else {
            reader.skip()?;
        }
    }
    reader.finish()?;

    let (signed_pre_key_id, signed_pre_key) = parts
        .signed_pre_key
        .ok_or(StanzaError::missing(names.signed_pre_key))?;
    Ok(Bundle {
        version,
        identity: parts.identity.ok_or(StanzaError::missing(names.identity))?,
        signed_pre_key_id,
        signed_pre_key,
        signature: parts
            .signature
            .ok_or(StanzaError::missing(names.signature))?,
        pre_keys: parts.pre_keys.ok_or(StanzaError::missing(PRE_KEYS))?,
    })
}

/// Writes a bundle.
///
/// # Errors
/// What [`read_bundle`] would refuse: [`StanzaError::Key`] if the identity is not in the form of the
/// bundle's version, [`Defect::Missing`](super::Defect::Missing) if there is no pre-key,
/// [`Limit::PreKeys`] if there are too many.
pub fn write_bundle(bundle: &Bundle) -> Result<String, StanzaError> {
    let version = bundle.version;
    let names = names(version);
    match (version, &bundle.identity) {
        (Version::Legacy, IdentityKey::Curve25519(_))
        | (Version::Omemo2, IdentityKey::Ed25519(_)) => {}
        _ => return Err(bad_key(names.identity)(KeyError::Length)),
    }
    if bundle.pre_keys.is_empty() {
        return Err(StanzaError::missing(names.pre_key));
    }
    if bundle.pre_keys.len() > MAX_PRE_KEYS {
        return Err(Limit::PreKeys.into());
    }
    let key = |key: &[u8; 32]| version.encode_key(key);
    let mut writer = Writer::default();
    writer.element("bundle", &[("xmlns", &version.namespace())], |writer| {
        let id = (names.signed_pre_key_id, &bundle.signed_pre_key_id as _);
        let signed_pre_key = key(bundle.signed_pre_key.as_bytes());
        writer.base64(names.signed_pre_key, &[id], &signed_pre_key);
        writer.base64(names.signature, &[], bundle.signature.as_bytes());
        writer.base64(names.identity, &[], &key(bundle.identity.as_bytes()));
        writer.element(PRE_KEYS, &[], |writer| {
            for entry in &bundle.pre_keys {
                let id = (names.pre_key_id, &entry.id as _);
                writer.base64(names.pre_key, &[id], &key(entry.key.as_bytes()));
            }
        });
    });
    Ok(writer.into_xml())
}

/// What was found so far.
#[derive(Default)]
struct Parts {
    signed_pre_key: Option<(SignedPreKeyId, SignedPreKeyPublic)>,
    signature: Option<Signature>,
    identity: Option<IdentityKey>,
    pre_keys: Option<Vec<PreKeyEntry>>,
}

/// The names in which the versions differ.
struct Names {
    signed_pre_key: &'static str,
    signed_pre_key_id: &'static str,
    signature: &'static str,
    identity: &'static str,
    pre_key: &'static str,
    pre_key_id: &'static str,
}

const PRE_KEYS: &str = "prekeys";

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

fn pre_keys(
    reader: &mut Reader<'_>,
    version: Version,
    names: &Names,
) -> Result<Vec<PreKeyEntry>, StanzaError> {
    let mut keys = BTreeMap::new();
    let mut unusable = None;
    let mut count = 0;
    while let Some(tag) = reader.child()? {
        if !tag.is(Namespace::Omemo(version), names.pre_key) {
            reader.skip()?;
            continue;
        }
        count += 1;
        if count > MAX_PRE_KEYS {
            return Err(Limit::PreKeys.into());
        }
        let Some(id) = id(&tag, names.pre_key_id).map(PreKeyId::in_bundle) else {
            unusable.get_or_insert(StanzaError::attribute(names.pre_key));
            reader.skip()?;
            continue;
        };
        let text = reader.text()?;
        let bytes = base64::decode(&text).ok_or(StanzaError::base64(names.pre_key));
        let key = |bytes: Vec<u8>| public_key(version, &bytes).map_err(bad_key(names.pre_key));
        match bytes.and_then(key) {
            Ok(key) => {
                keys.insert(id, key);
            }
            Err(error) => {
                unusable.get_or_insert(error);
            }
        }
    }
    if keys.is_empty() {
        return Err(unusable.unwrap_or(StanzaError::missing(names.pre_key)));
    }
    let entry = |(id, key): (PreKeyId, PreKeyPublic)| PreKeyEntry { id, key };
    Ok(keys.into_iter().map(entry).collect())
}

fn public_key<R: Role>(version: Version, bytes: &[u8]) -> Result<PublicKey<R>, KeyError> {
    PublicKey::from_slice(version.strip_key_prefix(bytes)?)
}

fn id(tag: &Tag<'_>, attribute: &str) -> Option<u32> {
    tag.attribute(attribute).and_then(|text| parse_id(&text))
}

fn bad_key(element: &'static str) -> impl Fn(KeyError) -> StanzaError {
    move |error| StanzaError::Key { element, error }
}

#[cfg(test)]
mod tests;
