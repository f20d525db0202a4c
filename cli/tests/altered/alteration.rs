//! Altering a file, and what the replay says to that.

use std::fs;
use std::path::{Path, PathBuf};

use omemo_cli::verify::{self, Failure};
use serde_json::Value;

/// A folder of this test alone, empty.
pub(super) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("altered")
        .join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

pub(super) fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors")
}

pub(super) fn read(file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(vectors().join(file)).unwrap()).unwrap()
}

/// What fails in a folder with one such file.
pub(super) fn failures(name: &str, file: &str, content: &str) -> Vec<Failure> {
    let dir = folder(name);
    fs::write(dir.join(file), content).unwrap();
    verify::replay(&[dir]).failures().to_vec()
}

/// Alters one entry of a list of a file; that entry alone must fail, and only because of that.
pub(super) fn alter(name: &str, file: &str, list: &str, tc_id: u64, change: impl Fn(&mut Value)) {
    let mut content = read(file);
    assert_eq!(
        failures(name, "v.json", &content.to_string()),
        [],
        "{name}: before"
    );
    let entries = content[list].as_array_mut().unwrap();
    let entry = entries
        .iter_mut()
        .find(|entry| entry["tcId"] == tc_id)
        .unwrap();
    change(entry);
    let failed = failures(name, "v.json", &content.to_string());
    let first = failed
        .first()
        .unwrap_or_else(|| panic!("{name}: nothing failed"));
    assert!(first.path.ends_with(format!("{name}/v.json")), "{first}");
    assert_eq!(first.item, format!("tcId {tc_id}"), "{first}");
    let shown = first.to_string();
    assert!(
        shown.contains("expected") && shown.contains("came"),
        "{first}"
    );
}

/// The first tcId in a list whose entry is such a one.
pub(super) fn find(file: &str, list: &str, is: impl Fn(&Value) -> bool) -> u64 {
    let content = read(file);
    let mut entries = content[list].as_array().unwrap().iter();
    let found = entries.find(|entry| is(entry) && entry["lenient"] != true);
    found.expect("there is one")["tcId"].as_u64().unwrap()
}

/// Alters one value of a file; something must fail then.
pub(super) fn alter_value(name: &str, file: &str, pointer: &str, change: impl Fn(&mut Value)) {
    let mut content = read(file);
    assert_eq!(
        failures(name, "v.json", &content.to_string()),
        [],
        "{name}: before"
    );
    change(content.pointer_mut(pointer).unwrap());
    let failed = failures(name, "v.json", &content.to_string());
    assert!(!failed.is_empty(), "{name}: {pointer} may be anything");
}

/// Changes the first digit of a hex string.
pub(super) fn other_digit(value: &mut Value) {
    let text = value.as_str().unwrap();
    let first = if text.starts_with('0') { "1" } else { "0" };
    *value = format!("{first}{}", &text[1..]).into();
}

/// Changes the letter at that place in base64.
pub(super) fn other_letter(value: &mut Value, place: usize) {
    let text = value.as_str().unwrap();
    let other = if text.as_bytes()[place] == b'A' {
        "B"
    } else {
        "A"
    };
    *value = format!("{}{other}{}", &text[..place], &text[place + 1..]).into();
}

/// Replaces a part of a string, which must be there.
pub(super) fn replace(value: &mut Value, from: &str, to: &str) {
    let text = value.as_str().unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    *value = text.replace(from, to).into();
}

/// Changes the letter at that distance behind the first such tag.
pub(super) fn letter_after(value: &mut Value, tag: &str, distance: usize) {
    let place = value.as_str().unwrap().find(tag).unwrap() + tag.len() + distance;
    other_letter(value, place);
}
