//! The library against its test vectors, and the index against the files that it lists.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use omemo_cli::verify::{self, Failure};
use serde_json::Value;

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors")
}

fn index() -> Value {
    serde_json::from_str(&fs::read_to_string(vectors().join("index.json")).unwrap()).unwrap()
}

/// Files and items of each kind. Vectors are added to these and never taken away.
const KINDS: [(&str, usize, usize); 14] = [
    ("bundle", 5, 155),
    ("capture", 191, 191),
    ("conversions", 1, 7),
    ("ed25519", 1, 5),
    ("fixture", 4, 16),
    ("hkdf", 1, 3),
    ("payload", 3, 84),
    ("session", 99, 2312),
    ("stanza", 5, 137),
    ("worked", 3, 18),
    ("wycheproof", 6, 1461),
    ("x25519", 1, 5),
    ("x3dh", 2, 16),
    ("xeddsa", 2, 204),
];

#[test]
fn everything_is_as_the_vectors_say() {
    let report = verify::replay(&[vectors()]);
    assert_eq!(report.failures(), []);

    let mut counts: Vec<(&str, usize, usize)> = Vec::new();
    for (kind, tally) in report.kinds() {
        counts.push((kind, tally.files, tally.items()));
    }
    let listed: usize = KINDS.iter().map(|(_, files, _)| files).sum();
    let mut expected = KINDS.to_vec();
    expected.extend([("index", 1, listed), ("schema", 1, 0)]);
    expected.sort_unstable();
    assert_eq!(counts, expected);

    let of_all = |count: fn(&verify::Tally) -> usize| report.kinds().values().map(count).sum();
    let (lenient, not_ours): (usize, usize) = (
        of_all(|tally| tally.lenient),
        of_all(verify::Tally::not_ours),
    );
    assert_eq!((lenient, not_ours), (174, 330));
    // What the library has no function for are ciphers of others' lengths: nothing of OMEMO's own.
    for (kind, tally) in report.kinds() {
        assert!(tally.not_ours.is_empty() || kind == "wycheproof", "{kind}");
    }
}

/// As many items are replayed as the index says there are.
#[test]
fn nothing_is_passed_over() {
    let mut expected: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for file in index()["files"].as_array().unwrap() {
        let (files, items) = expected
            .entry(file["kind"].as_str().unwrap().to_owned())
            .or_default();
        *files += 1;
        *items += usize::try_from(file["items"].as_u64().unwrap()).unwrap();
    }
    let report = verify::replay(&[vectors()]);
    for (kind, tally) in report.kinds() {
        if kind != "index" && kind != "schema" {
            let expected = expected.remove(kind).unwrap_or_default();
            assert_eq!((tally.files, tally.items()), expected, "{kind}");
        }
    }
    assert!(expected.is_empty(), "{expected:?}");
}

/// A copy of a part of the vectors, with an index of it.
fn copy(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("vectors")
        .join(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("rfc")).unwrap();
    for file in fs::read_dir(vectors().join("rfc")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), root.join("rfc").join(file.file_name())).unwrap();
    }
    fs::copy(vectors().join("schema.json"), root.join("schema.json")).unwrap();
    let mut index = index();
    let files = index["files"].as_array_mut().unwrap();
    files.retain(|file| file["path"].as_str().unwrap().starts_with("rfc/"));
    fs::write(root.join("index.json"), index.to_string()).unwrap();
    assert_eq!(failures(&root), []);
    root
}

fn failures(root: &Path) -> Vec<Failure> {
    verify::replay(&[root.to_owned()]).failures().to_vec()
}

/// What fails of that file; nothing else may.
fn failure_of(root: &Path, file: &str) -> String {
    let failed = failures(root);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].path.ends_with("index.json"));
    assert_eq!(failed[0].item, file);
    failed[0].text.clone()
}

#[test]
fn a_changed_byte() {
    let root = copy("changed");
    let file = root.join("rfc/rfc8032.json");
    // To a reader of JSON it is the same file.
    fs::write(&file, fs::read_to_string(&file).unwrap() + "\n").unwrap();
    let text = failure_of(&root, "rfc/rfc8032.json");
    assert!(text.starts_with("expected the SHA-256 "), "{text}");
}

#[test]
fn a_file_that_the_index_does_not_list() {
    let root = copy("unlisted");
    let other = root.join("rfc/rfc7748-again.json");
    fs::copy(root.join("rfc/rfc7748.json"), other).unwrap();
    assert_eq!(
        failure_of(&root, "rfc/rfc7748-again.json"),
        "is not in the index"
    );
}

#[test]
fn a_file_that_is_gone() {
    let root = copy("gone");
    fs::remove_file(root.join("rfc/rfc5869.json")).unwrap();
    assert_eq!(
        failure_of(&root, "rfc/rfc5869.json"),
        "is in the index and not on disk"
    );
}

#[test]
fn a_file_that_is_listed_twice() {
    let root = copy("twice");
    let path = root.join("index.json");
    let mut index: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let files = index["files"].as_array_mut().unwrap();
    files.push(files[0].clone());
    let name = files[0]["path"].as_str().unwrap().to_owned();
    fs::write(&path, index.to_string()).unwrap();
    assert_eq!(failure_of(&root, &name), "is listed twice");
}
