//! Who may know whom: no `crate::` path points to a floor above, and the versions' names stay in their rooms.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says no by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and those that it may know.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("crypto", &["error"]),
    ("model", &["error", "crypto"]),
    ("files", &["error", "crypto"]),
    ("store", &["error", "crypto"]),
    ("x3dh", &["error", "crypto"]),
    ("ratchet", &["error", "crypto"]),
    ("protocol", &["error", "crypto", "model", "ratchet"]),
    ("stanza", &["error", "crypto", "model"]),
    (
        "session",
        &["error", "crypto", "model", "x3dh", "ratchet", "protocol"],
    ),
    (
        "account",
        &[
            "error", "crypto", "model", "ratchet", "protocol", "session", "store",
        ],
    ),
    (
        "client",
        &["error", "crypto", "model", "stanza", "store", "account"],
    ),
    (
        "capi",
        &[
            "error", "crypto", "model", "files", "stanza", "store", "account", "client",
        ],
    ),
];

/// What `stanza` may take from `crypto`: public keys and signatures.
const PUBLIC_KEYS: &[&str] = &[
    "IdentityKey",
    "PreKeyPublic",
    "PublicKey",
    "Role",
    "Signature",
    "SignedPreKeyPublic",
    "ed25519",
    "EdwardsKey",
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let (mut sources, mut tests) = (Vec::new(), 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("tests.rs") {
                // The tests of the module beside it.
                tests += 1;
            } else {
                let below = path.strip_prefix(&root).unwrap();
                let module = below.iter().next().unwrap().to_str().unwrap();
                let module = module.trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                sources.push((module, path, text));
            }
        }
    }
    assert!(sources.len() > 30, "only {} files", sources.len());
    assert!(tests < sources.len() / 10, "{tests} files are passed over");
    sources
}

/// The code of a file: without its tests and comments.
fn code(text: &str) -> String {
    let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
    text.split_at(tests)
        .0
        .lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn no_module_knows_a_floor_above_it() {
    let may_know: BTreeMap<_, _> = MAY_KNOW.iter().copied().collect();
    for (module, path, text) in sources() {
        if module == "lib" {
            continue;
        }
        let allowed = may_know
            .get(module.as_str())
            .unwrap_or_else(|| panic!("{module} has no place in the house: {}", path.display()));
        let code = code(&text);
        assert!(
            !code.contains("omemo::"),
            "{} names the crate",
            path.display()
        );
        for (at, _) in code.match_indices("crate::") {
            let rest = code.split_at(at + "crate::".len()).1;
            let known: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            assert!(
                known == module || allowed.contains(&known.as_str()),
                "{}: {module} must not know {known}",
                path.display()
            );
        }
    }
}

#[test]
fn stanza_knows_public_keys_only() {
    for (module, path, text) in sources() {
        if module != "stanza" {
            continue;
        }
        let code = code(&text);
        for (at, _) in code.match_indices("crate::crypto::") {
            let rest = code.split_at(at + "crate::crypto::".len()).1;
            let end = rest.find(';').unwrap_or(rest.len());
            let names = rest.split_at(end).0;
            for name in names.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                assert!(
                    name.is_empty() || name == "self" || PUBLIC_KEYS.contains(&name),
                    "{}: stanza must not know {name}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_versions_are_told_apart_in_their_own_rooms_only() {
    for (module, path, text) in sources() {
        // C has no methods: its header names the versions.
        if ["model", "protocol", "stanza", "capi"].contains(&module.as_str()) {
            continue;
        }
        let code = code(&text).to_lowercase();
        for name in ["legacy", "omemo2", "axolotl"] {
            assert!(!code.contains(name), "{} names {name}", path.display());
        }
    }
}

#[test]
fn unsafe_code_and_generators_of_our_own_have_no_room() {
    for (module, path, text) in sources() {
        let code = code(&text);
        // The operating system's generator is the default of the topmost doors, and of no other.
        assert!(
            ["client", "capi"].contains(&module.as_str()) || !code.contains("SysRng"),
            "{} uses a generator",
            path.display()
        );
        for word in ["unsafe ", "SystemTime", "Instant::now", "std::net"] {
            // C has no references.
            if module == "capi" && word == "unsafe " {
                continue;
            }
            assert!(!code.contains(word), "{} uses {word}", path.display());
        }
    }
}
