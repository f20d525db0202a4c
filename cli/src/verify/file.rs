//! One file: what kind it is, and who replays it.

use std::fs;
use std::path::Path;

use omemo::model::Version;
use serde::Deserialize;

use super::sheet::Sheet;
use super::{
    bundle, capture, conversions, fixture, index, payload, rfc, session, stanza, worked,
    wycheproof, x3dh, xeddsa,
};

/// Replays a file. Whatever is wrong with it is a failure on its sheet.
pub(super) fn replay(path: &Path) -> Sheet {
    let mut sheet = Sheet::new("unknown");
    let replayed = fs::read_to_string(path)
        .map_err(|error| error.to_string())
        .and_then(|text| by_kind(path, &text, &mut sheet));
    match replayed {
        Ok(()) if sheet.items() == 0 && sheet.kind != SCHEMA => {
            sheet.add("", Err("the file has no items".to_owned()));
        }
        Ok(()) => (),
        Err(problem) => sheet.add("", Err(problem)),
    }
    sheet
}

/// The kind of JSON Schemas, which are there to be validated with and not to be replayed.
pub(super) const SCHEMA: &str = "schema";

/// The kind of the file that lists the others.
pub(super) const INDEX: &str = "index";

/// What the head of a file of ours, of a Wycheproof file or of a JSON Schema says.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "$schema")]
    json_schema: Option<String>,
    schema: Option<String>,
    kind: Option<String>,
    algorithm: Option<String>,
}

fn by_kind(path: &Path, text: &str, sheet: &mut Sheet) -> Result<(), String> {
    if path.extension().is_some_and(|end| end == "xml") {
        return capture::replay(path, text, sheet);
    }
    let head: Head = from_json(text)?;
    if head.json_schema.is_some() {
        SCHEMA.clone_into(&mut sheet.kind);
        return Ok(());
    }
    if let Some(algorithm) = head.algorithm {
        "wycheproof".clone_into(&mut sheet.kind);
        return wycheproof::replay(&algorithm, text, sheet);
    }
    let kind = head.kind.ok_or("the file says no kind")?;
    sheet.kind.clone_from(&kind);
    match head.schema.as_deref() {
        Some("omemo-vectors/1") => (),
        Some(other) => return Err(format!("the schema {other:?} is unknown")),
        None => return Err("the file says no schema".to_owned()),
    }
    match kind.as_str() {
        "session" => session::replay(text, sheet),
        "stanza" => stanza::replay(text, sheet),
        "bundle" => bundle::replay(text, sheet),
        "fixture" => fixture::replay(text, sheet),
        "payload" => payload::replay(text, sheet),
        "xeddsa" => xeddsa::replay(text, sheet),
        "x3dh" => x3dh::replay(text, sheet),
        "worked" => worked::replay(text, sheet),
        "conversions" => conversions::replay(text, sheet),
        "x25519" => rfc::x25519(text, sheet),
        "ed25519" => rfc::ed25519(text, sheet),
        "hkdf" => rfc::hkdf(text, sheet),
        INDEX => index::replay(path, text, sheet),
        other => Err(format!("the kind {other:?} is unknown")),
    }
}

/// Reads JSON; a problem is said with its line.
pub(super) fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("cannot be read: {error}"))
}

/// A file with tests that do not depend on each other.
#[derive(Deserialize)]
pub(super) struct Tests<T> {
    pub(super) tests: Vec<T>,
}

/// The name of a version in the vectors.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProtocolName {
    Legacy,
    Omemo2,
}

impl From<ProtocolName> for Version {
    fn from(name: ProtocolName) -> Self {
        match name {
            ProtocolName::Legacy => Self::Legacy,
            ProtocolName::Omemo2 => Self::Omemo2,
        }
    }
}
