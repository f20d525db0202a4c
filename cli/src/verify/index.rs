//! `kind: index`: which files there are, and their hashes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::bytes::to_hex;
use super::file::from_json;
use super::folder;
use super::sheet::{Checked, Outcome, Sheet};

#[derive(Deserialize)]
struct Index {
    files: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    sha256: String,
}

/// Compares the index with the folder that it is in: every file must be listed, and be what it was when
/// it was listed.
pub(super) fn replay(path: &Path, text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let root = path.parent().ok_or("the index is in no folder")?;
    let index: Index = from_json(text)?;
    let mut listed: BTreeMap<String, String> = BTreeMap::new();
    for entry in index.files {
        if listed.insert(entry.path.clone(), entry.sha256).is_some() {
            sheet.add(entry.path, Err("is listed twice".to_owned()));
        }
    }
    for file in folder::vectors(root)? {
        let name = relative(&file, root)?;
        match listed.remove(&name) {
            Some(hash) => sheet.add(name, compare(&file, &hash)),
            None if file == path || name == "schema.json" => (),
            None => sheet.add(name, Err("is not in the index".to_owned())),
        }
    }
    for name in listed.into_keys() {
        sheet.add(name, Err("is in the index and not on disk".to_owned()));
    }
    Ok(())
}

fn compare(file: &Path, expected: &str) -> Checked {
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    let came = to_hex(&Sha256::digest(bytes));
    if came == expected {
        Ok(Outcome::Passed)
    } else {
        Err(format!("expected the SHA-256 {expected}, came {came}"))
    }
}

/// The path below the index, with slashes on every system.
fn relative(file: &Path, root: &Path) -> Result<String, String> {
    let below = file.strip_prefix(root).map_err(|error| error.to_string())?;
    let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
    parts
        .map(|parts| parts.join("/"))
        .ok_or_else(|| format!("{} is no UTF-8", file.display()))
}
