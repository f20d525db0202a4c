//! A replay that cannot fail proves nothing: here each file is altered a little, and must fail where it
//! was altered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use omemo_cli::verify::{self, Args, Failure};
use serde_json::{Value, json};

/// A folder of this test alone, empty.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("altered")
        .join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors")
}

fn read(file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(vectors().join(file)).unwrap()).unwrap()
}

/// What fails in a folder with one such file.
fn failures(name: &str, file: &str, content: &str) -> Vec<Failure> {
    let dir = folder(name);
    fs::write(dir.join(file), content).unwrap();
    verify::replay(&[dir]).failures().to_vec()
}

/// Alters one entry of a list of a file; that entry alone must fail, and only because of that.
fn alter(name: &str, file: &str, list: &str, tc_id: u64, change: impl Fn(&mut Value)) {
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
fn find(file: &str, list: &str, is: impl Fn(&Value) -> bool) -> u64 {
    let content = read(file);
    let mut entries = content[list].as_array().unwrap().iter();
    let found = entries.find(|entry| is(entry) && entry["lenient"] != true);
    found.expect("there is one")["tcId"].as_u64().unwrap()
}

/// Changes the first digit of a hex string.
fn other_digit(value: &mut Value) {
    let text = value.as_str().unwrap();
    let first = if text.starts_with('0') { "1" } else { "0" };
    *value = format!("{first}{}", &text[1..]).into();
}

const SESSION: &str = "omemo/session/legacy-oldmemo-ping-pong.json";
const ACTIVE: &str = "omemo/session/omemo2-twomemo-active.json";
const DUPLICATES: &str = "omemo/session/omemo2-twomemo-duplicates.json";

#[test]
fn a_session() {
    let received = find(SESSION, "steps", |step| step["result"] == "ok");
    alter("plaintext", SESSION, "steps", received, |step| {
        other_digit(&mut step["plaintext"])
    });
    alter("ok-to-error", SESSION, "steps", received, |step| {
        step["result"] = "error".into();
        step["error"] = "bad-mac".into();
    });
    alter("announced", SESSION, "steps", received, |step| {
        step["kex"] = (!step["kex"].as_bool().unwrap()).into();
    });

    let sent = find(SESSION, "steps", |step| step["op"] == "send");
    alter("sent-bytes", SESSION, "steps", sent, |step| {
        let bytes = step["bytes"].as_str().unwrap().to_owned();
        let other = if bytes.as_bytes()[40] == b'A' {
            "B"
        } else {
            "A"
        };
        step["bytes"] = format!("{}{other}{}", &bytes[..40], &bytes[41..]).into();
    });
    alter("sent-kex", SESSION, "steps", sent, |step| {
        step["kex"] = (!step["kex"].as_bool().unwrap()).into();
    });
    alter("ratchet-key", SESSION, "steps", sent, |step| {
        // Clamping ignores the lowest bits, so the other end is changed.
        let key = step["ratchet_private"].as_str().unwrap();
        let last = if key.ends_with('0') { "1" } else { "0" };
        step["ratchet_private"] = format!("{}{last}", &key[..63]).into();
    });
    alter("received-bytes", SESSION, "steps", received, |step| {
        let bytes = step["bytes"].as_str().unwrap().to_owned();
        let other = if bytes.as_bytes()[60] == b'A' {
            "B"
        } else {
            "A"
        };
        step["bytes"] = format!("{}{other}{}", &bytes[..60], &bytes[61..]).into();
    });

    let duplicate = find(DUPLICATES, "steps", |step| step["error"] == "duplicate");
    alter("class", DUPLICATES, "steps", duplicate, |step| {
        step["error"] = "bad-mac".into()
    });
    alter("error-to-ok", DUPLICATES, "steps", duplicate, |step| {
        step["result"] = "ok".into();
        step["plaintext"] = "00".into();
    });

    let initiate = find(ACTIVE, "steps", |step| step["op"] == "initiate");
    alter("ephemeral", ACTIVE, "steps", initiate, |step| {
        step["ephemeral_private"] = step["ratchet_private"].clone();
    });
}

#[test]
fn the_recipient_is_checked_before_it_is_used() {
    for (path, name) in [
        ("/recipient/identity/curve25519_public", "identity-curve"),
        ("/recipient/identity/ed25519_public", "identity-edwards"),
        ("/recipient/identity/ed25519_seed", "identity-seed"),
        ("/recipient/signed_pre_keys/0/public", "spk-public"),
        ("/recipient/signed_pre_keys/0/signature", "spk-signature"),
        ("/recipient/pre_keys/0/public", "pre-key-public"),
    ] {
        let mut content = read(SESSION);
        other_digit(content.pointer_mut(path).unwrap());
        assert_eq!(
            failures(name, "v.json", &content.to_string()).len(),
            1,
            "{name}"
        );
    }
}

#[test]
fn tests_that_do_not_depend_on_each_other() {
    let payload = "omemo/payload/omemo2-twomemo.json";
    let xeddsa = "omemo/xeddsa/signatures.json";
    let convert = "omemo/xeddsa/conversions.json";
    let x3dh = "omemo/x3dh/legacy.json";

    alter("payload", payload, "tests", 2, |test| {
        other_digit(&mut test["plaintext"])
    });
    alter("payload-key", payload, "tests", 3, |test| {
        other_digit(&mut test["key_material"])
    });
    alter("payload-result", payload, "tests", 10, |test| {
        test["result"] = "ok".into();
        test["plaintext"] = "00".into();
    });
    let sign = find(xeddsa, "tests", |test| test["op"] == "sign");
    alter("sign", xeddsa, "tests", sign, |test| {
        other_digit(&mut test["signature"])
    });
    let valid = find(xeddsa, "tests", |test| {
        test["op"] == "verify" && test["result"] == "ok"
    });
    alter("verify", xeddsa, "tests", valid, |test| {
        other_digit(&mut test["signature"])
    });
    alter("verdict", xeddsa, "tests", valid, |test| {
        test["result"] = "error".into()
    });
    let other = find(xeddsa, "tests", |test| {
        test["op"] == "verify" && test["result"] == "error"
    });
    alter("refusal", xeddsa, "tests", other, |test| {
        test["result"] = "ok".into()
    });
    for field in [
        "curve25519_public",
        "ed25519_public",
        "ed25519_public_sign0",
        "fingerprint",
    ] {
        alter(field, convert, "tests", 1, |test| {
            other_digit(&mut test[field])
        });
    }
    for field in ["dh1", "dh2", "dh3", "dh4", "shared_secret"] {
        alter(field, x3dh, "tests", 1, |test| {
            other_digit(&mut test[field])
        });
    }
    alter("ad", x3dh, "tests", 1, |test| {
        let text = test["associated_data"].as_str().unwrap();
        test["associated_data"] = format!("{}00", &text[..text.len() - 2]).into();
    });
    alter("rfc7748", "rfc/rfc7748.json", "tests", 4, |test| {
        other_digit(&mut test["output"])
    });
    alter("rfc8032", "rfc/rfc8032.json", "tests", 2, |test| {
        other_digit(&mut test["message"])
    });
    alter("rfc5869", "rfc/rfc5869.json", "tests", 3, |test| {
        other_digit(&mut test["okm"])
    });
    alter("rfc5869-prk", "rfc/rfc5869.json", "tests", 2, |test| {
        other_digit(&mut test["prk"])
    });
}

#[test]
fn every_wycheproof_file() {
    for (file, field) in [
        ("aes_cbc_pkcs5_test", "ct"),
        ("aes_gcm_test", "tag"),
        ("ed25519_test", "sig"),
        ("hkdf_sha256_test", "okm"),
        ("hmac_sha256_test", "tag"),
        ("x25519_test", "shared"),
    ] {
        let path = format!("wycheproof/{file}.json");
        let mut content = read(&path);
        let before = failures(file, "w.json", &content.to_string());
        assert_eq!(before, [], "{file}");
        let mut last = 0;
        for group in content["testGroups"].as_array_mut().unwrap() {
            let bits = group["keySize"].as_u64();
            if file.starts_with("aes_gcm") && (bits != Some(128) || group["ivSize"] != 96)
                || file.starts_with("aes_cbc") && bits != Some(256)
            {
                continue;
            }
            for test in group["tests"].as_array_mut().unwrap() {
                let aad = test["aad"].as_str().is_some_and(|aad| !aad.is_empty());
                if last == 0 && !aad && test["result"] == "valid" && test[field] != "" {
                    other_digit(&mut test[field]);
                    last = test["tcId"].as_u64().unwrap();
                }
            }
        }
        let failed = failures(file, "w.json", &content.to_string());
        assert_eq!(failed.len(), 1, "{file}");
        assert_eq!(failed[0].item, format!("tcId {last}"), "{file}");

        let mut short = read(&path);
        short["testGroups"].as_array_mut().unwrap().pop();
        assert_eq!(
            failures(file, "w.json", &short.to_string()).len(),
            1,
            "{file}: a group less"
        );
        short["algorithm"] = "ROT13".into();
        assert_eq!(
            failures(file, "w.json", &short.to_string()).len(),
            1,
            "{file}: ROT13"
        );
    }
}

#[test]
fn every_value_of_a_worked_conversation() {
    for (file, name) in [
        ("worked/worked-legacy.json", "worked-legacy"),
        ("worked/worked-omemo2-bob-sign0.json", "worked-omemo2"),
        ("worked/worked-vectors.json", "worked-vectors"),
    ] {
        let content = read(file);
        let before = failures(name, "v.json", &content.to_string());
        let mut paths = Vec::new();
        leaves(&content, String::new(), &mut paths);
        let mut tried = 0;
        for path in paths {
            let is_prose = ["/note", "/pn_note", "/label", "/verifies_with"];
            let head = [
                "/schema",
                "/kind",
                "/producer",
                "/id",
                "/description",
                "/protocol",
            ];
            let is_file_cipher = path.starts_with("/aesgcm") || path.ends_with("/negated_scalar");
            let is_stanza = path.ends_with("_xml") || path.ends_with("_device_id");
            if is_prose.iter().any(|end| path.ends_with(end))
                || head
                    .iter()
                    .any(|start| path == *start || path.starts_with("/producer/"))
                || is_file_cipher
                || is_stanza
            {
                continue;
            }
            let mut altered = content.clone();
            change(altered.pointer_mut(&path).unwrap());
            let after = failures(name, "v.json", &altered.to_string());
            assert!(
                after.iter().any(|failure| !before.contains(failure)),
                "{file}: {path} may be anything"
            );
            tried += 1;
        }
        assert!(tried > 60, "{file}: {tried}");
    }
}

/// The JSON pointers of all values that contain no others.
fn leaves(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| leaves(value, format!("{path}/{name}"), found)),
        Value::Array(entries) => (0..)
            .zip(entries)
            .for_each(|(index, value)| leaves(value, format!("{path}/{index}"), found)),
        _ => found.push(path),
    }
}

/// Changes a value, in the middle: clamping does not hide it there.
fn change(value: &mut Value) {
    *value = match &*value {
        Value::Bool(flag) => (!flag).into(),
        Value::Number(number) => (number.as_u64().unwrap() + 1).into(),
        Value::String(text) => {
            let (left, right) = text.split_at(text.len() / 2);
            let other = if right.starts_with('1') { "2" } else { "1" };
            format!("{left}{other}{}", &right[1..]).into()
        }
        other => panic!("{other}"),
    };
}

#[test]
fn what_is_no_vector() {
    let unknown = json!({"schema": "omemo-vectors/1", "kind": "sessions", "tests": []});
    for (name, content) in [
        ("unknown-kind", unknown.to_string()),
        (
            "unknown-schema",
            read(SESSION)
                .to_string()
                .replace("omemo-vectors/1", "omemo-vectors/9"),
        ),
        ("no-kind", json!({"schema": "omemo-vectors/1"}).to_string()),
        ("no-json", "{".to_owned()),
        ("empty-file", String::new()),
        ("no-object", "[]".to_owned()),
        ("no-steps", {
            let mut content = read(SESSION);
            content["steps"] = json!([]);
            content.to_string()
        }),
        (
            "unknown-op",
            read(SESSION).to_string().replace("\"send\"", "\"dream\""),
        ),
        (
            "unknown-class",
            read(DUPLICATES)
                .to_string()
                .replace("\"duplicate\"", "\"twice\""),
        ),
        (
            "no-plaintext",
            read(SESSION)
                .to_string()
                .replace("\"plaintext\"", "\"plain\""),
        ),
    ] {
        let failed = failures(name, "v.json", &content);
        assert!(!failed.is_empty(), "{name}");
        assert!(failed[0].to_string().contains(name), "{name}");
        let dirs = vec![
            Path::new(env!("CARGO_TARGET_TMPDIR"))
                .join("altered")
                .join(name),
        ];
        assert_eq!(verify::run(&Args { dirs }), ExitCode::FAILURE, "{name}");
    }
}

#[test]
fn what_is_as_it_should_be_exits_with_0() {
    let dirs = vec![vectors().join("rfc")];
    assert_eq!(verify::run(&Args { dirs }), ExitCode::SUCCESS);
}

#[test]
fn a_folder_without_vectors() {
    let empty = folder("empty");
    let schema_alone = folder("schema-alone");
    fs::copy(
        vectors().join("schema.json"),
        schema_alone.join("schema.json"),
    )
    .unwrap();
    let text_alone = folder("text-alone");
    fs::write(text_alone.join("v.txt"), "{}").unwrap();
    for dir in [
        empty.clone(),
        empty.join("missing"),
        schema_alone,
        text_alone,
    ] {
        let dirs = vec![vectors().join("rfc"), dir];
        assert_eq!(verify::replay(&dirs).failures().len(), 1, "{dirs:?}");
        assert_eq!(verify::run(&Args { dirs }), ExitCode::FAILURE);
    }
}
