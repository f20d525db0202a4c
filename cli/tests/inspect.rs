//! `omemo inspect`, on stanzas of other clients, on key elements that were worked out by hand, and on
//! what is broken.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../test-vectors");

/// Runs it on standard input; returns the exit code and the page.
fn inspect(args: &[&str], input: impl AsRef<[u8]>) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_omemo"))
        .arg("inspect")
        .args(args)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_ref())
        .unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(stderr).unwrap(), "");
    (status.code().unwrap(), String::from_utf8(stdout).unwrap())
}

/// The page, on one line: its prose is wrapped.
fn unwrapped(page: &str) -> String {
    page.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_fine(input: impl AsRef<[u8]>, expected: &[&str]) {
    let (code, page) = inspect(&[], input);
    let line = unwrapped(&page);
    assert_eq!(code, 0, "{page}");
    assert!(!line.contains("broken:"), "{page}");
    for expected in expected {
        assert!(line.contains(expected), "no {expected:?} in:\n{page}");
    }
}

fn is_broken(input: impl AsRef<[u8]>, expected: &[&str]) {
    let (code, page) = inspect(&[], input);
    let line = unwrapped(&page);
    assert_eq!(code, 1, "{page}");
    assert!(line.contains("broken: "), "{page}");
    for expected in expected {
        assert!(line.contains(expected), "no {expected:?} in:\n{page}");
    }
}

/// The values of an attribute, wherever it is.
fn attributes<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    xml.split(&format!(" {name}=\""))
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

fn worked(name: &str) -> Value {
    serde_json::from_slice(&fs::read(format!("{VECTORS}/worked/{name}.json")).unwrap()).unwrap()
}

fn string<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// The first message of the legacy example: a key exchange.
fn legacy_exchange() -> Vec<u8> {
    let example = worked("worked-legacy");
    let text = string(&example["messages"][0], "key_element_base64");
    BASE64.decode(text).unwrap()
}

#[test]
fn stanzas_of_other_clients_are_fine_and_their_ids_are_shown() {
    let mut count = 0;
    for file in fs::read_dir(format!("{VECTORS}/fixtures")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        count += 1;
        let xml = fs::read_to_string(&path).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_omemo"))
            .arg("inspect")
            .arg(&path)
            .output()
            .unwrap();
        let page = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{}:\n{page}", path.display());
        let kind = path.file_name().unwrap().to_str().unwrap();
        let mut ids = attributes(&xml, "sid");
        ids.extend(attributes(&xml, "rid"));
        if kind.contains("device") {
            let devices = xml.split("<device ").skip(1);
            ids.extend(devices.map(|device| device.split('"').nth(1).unwrap()));
        }
        if kind.contains("bundle") {
            let nodes = attributes(&xml, "node").into_iter();
            ids.extend(nodes.filter_map(|node| node.split("bundles:").nth(1)));
            assert!(
                page.contains("signature                  verifies"),
                "{page}"
            );
        }
        for id in ids {
            assert!(
                page.contains(id),
                "no {id} of {} in:\n{page}",
                path.display()
            );
        }
        assert!(
            page.contains("verdict                    well-formed"),
            "{page}"
        );
    }
    assert!(count > 150, "{count} fixtures");
}

#[test]
fn key_elements_are_shown_with_every_field() {
    for (name, kind) in [
        ("worked-legacy", "legacy OMEMO"),
        ("worked-omemo2", "OMEMO 2"),
    ] {
        let example = worked(name);
        for message in example["messages"].as_array().unwrap() {
            let number = format!(" {} the message's number in its chain", message["n"]);
            let structure = match message["kex"].as_bool().unwrap() {
                true => "a key exchange, the first message of a session",
                false => "a message of an established session",
            };
            let mut expected = vec![
                kind,
                structure,
                number.as_str(),
                string(message, "ratchet_pub"),
                string(message, "mac"),
            ];
            let fingerprint = string(&example["fingerprint"], "alice");
            if message["kex"].as_bool().unwrap() {
                expected.extend([&fingerprint[..8], "42 the recipient's one-time pre-key"]);
            }
            let base64 = string(message, "key_element_base64");
            is_fine(base64, &expected);
            is_fine(string(message, "key_element_bytes"), &expected);
            is_fine(BASE64.decode(base64).unwrap(), &expected);
        }
    }
}

#[test]
fn a_version_can_be_forced() {
    let (code, page) = inspect(&["--version", "omemo2"], legacy_exchange());
    assert_eq!(code, 1);
    assert!(page.contains("Bytes of a <key/>, OMEMO 2"), "{page}");
    let (code, page) = inspect(&["--version", "legacy"], legacy_exchange());
    assert_eq!(code, 0, "{page}");
}

#[test]
fn broken_key_elements_are_named_by_field() {
    let bytes = legacy_exchange();
    let text = BASE64.encode(&bytes);
    let altered = |at: usize, by: u8| {
        let mut bytes = bytes.clone();
        bytes[at] ^= by;
        bytes
    };
    is_broken(
        &text[..text.len() - 31],
        &[
            "not base64",
            "baseKey",
            "field 4 message at byte 73 of the PreKeySignalMessage cannot be read: it says it has 98 bytes",
        ],
    );
    is_broken(
        &bytes[..40],
        &[
            "1 preKeyId 42",
            "field 3 identityKey at byte 38 of the PreKeySignalMessage cannot be read",
        ],
    );
    is_broken(
        altered(0, 0x70),
        &["the version byte is 0x43; 0x33 is right", "1 preKeyId 42"],
    );
    // The type byte of a key, and the top bit of one.
    is_broken(
        altered(5, 1),
        &["2 baseKey: the key has a wrong length or type byte"],
    );
    is_broken(
        altered(37, 0x80),
        &["2 baseKey: the key is not in its canonical encoding"],
    );
    // A number where bytes are meant.
    is_broken(
        altered(3, 2),
        &["field 2 baseKey is not bytes (wire type 2)"],
    );
    is_broken(&bytes[..1], &["neither a message nor a key exchange"]);
    is_broken("AAAA", &["neither a message nor a key exchange"]);

    let example = worked("worked-omemo2");
    let message = BASE64
        .decode(string(&example["messages"][3], "key_element_base64"))
        .unwrap();
    is_broken(
        &message[..message.len() - 1],
        &["field 2 message at byte 18"],
    );
    let mut short_mac = message.clone();
    short_mac[1] -= 1;
    short_mac.remove(2);
    is_broken(&short_mac, &["1 mac: it has 15 bytes; 16 are right"]);
}

#[test]
fn broken_bundles_are_refused_with_a_reason() {
    for (name, start, altered) in [
        (
            "worked-legacy",
            "signedPreKeyId='7'>BQ/v7w2W",
            "signedPreKeyId='7'>BQ/v7w2X",
        ),
        (
            "worked-omemo2",
            "<spk id='7'>D+/vDZbg",
            "<spk id='7'>D+/vDZbh",
        ),
    ] {
        let example = worked(name);
        let bundle = string(&example, "bundle_xml");
        is_fine(
            bundle,
            &[
                "d 7",
                "prekeys 1, with the id 42",
                "signature verifies",
                "note: few",
            ],
        );
        is_broken(
            bundle.replace(start, altered),
            &["the signature does not verify", "fingerprint 409ba8aa"],
        );
        is_broken(
            bundle
                .replace("<prekeys>", "<prekeys/><x>")
                .replace("</prekeys>", "</x>"),
            &["without a one-time pre-key", "signature verifies"],
        );
        is_broken(
            &bundle[..bundle.len() - 30],
            &["the XML is broken at line 1", "fingerprint"],
        );
    }
}

#[test]
fn broken_messages_are_explained_as_far_as_they_go() {
    let example = worked("worked-legacy");
    let xml = string(&example, "message_xml");
    is_fine(
        xml,
        &[
            "sid 1111111",
            "rid 2222222",
            "iv 12 bytes",
            "AES-128-GCM: a text of 34 bytes",
        ],
    );
    is_broken(
        xml.replace("<iv>", "<x>").replace("</iv>", "</x>"),
        &["<iv/> is missing", "sid 1111111", "1 preKeyId 42"],
    );
    is_broken(
        xml.replace("MwgqEiE", "Mwg!EiE"),
        &["<key/>: not base64", "sid 1111111"],
    );
    is_broken(
        xml.replace("1111111", "x"),
        &["sid, the sender's device: \"x\""],
    );
    is_broken(&xml[..200], &["the XML is broken", "sid 1111111"]);
    is_broken(
        xml.replace("<header ", "<header xmlns='urn:example:other' "),
        &["<header/> is missing"],
    );
    is_broken(
        xml.replace("<header ", "<!-- psst --><header "),
        &["sid 1111111", "the XML contains a comment"],
    );
    is_broken(
        "<message><body>Hello</body></message>",
        &["nothing of OMEMO"],
    );
    is_broken("<!DOCTYPE a><a/>", &["XMPP has no document types"]);
}

#[test]
fn oddities_are_notes() {
    let legacy = worked("worked-legacy");
    let xml = string(&legacy, "message_xml");
    is_fine(
        xml.replace("Rq3youM8zfzomO32", "Rq3youM8zfzomO32AAAAAA=="),
        &["note: 16 bytes are an older form"],
    );
    is_fine(
        xml.replace(" prekey='true'", ""),
        &["note: prekey says the opposite of what the bytes are"],
    );
    is_fine(
        xml.replace("</key>", "</key><key rid='0'>MwoA</key>")
            .replace("MwoA", &key_of(xml)),
        &["note: rid is 0"],
    );
    let devices = "<devices xmlns='urn:xmpp:omemo:2'><device id='5' label='Gajim\u{202e}'/>\
                   <device id='0'/><device id='5'/></devices>";
    is_fine(
        devices,
        &[
            "device 5 label “Gajim\\u{202e}”",
            "note: the label has no labelsig",
            "note: a device has the id 0",
            "note: this device is there more than once",
        ],
    );
    let omemo2 = worked("worked-omemo2");
    // Converse.js counts its keys from 0.
    let bundle = string(&omemo2, "bundle_xml");
    for (version, bundle) in [
        ("OMEMO 2", bundle.replace("pk id='42'", "pk id='0'")),
        ("OMEMO 2", bundle.replace("spk id='7'", "spk id='0'")),
        (
            "legacy",
            string(&legacy, "bundle_xml").replace("signedPreKeyId='7'", "signedPreKeyId='0'"),
        ),
    ] {
        is_fine(
            bundle,
            &["is 0: unusual", &format!("well-formed, {version}")],
        );
    }
}

/// The first key of a message.
fn key_of(xml: &str) -> String {
    let (_, rest) = xml.split_once("'true'>").unwrap();
    rest.split('<').next().unwrap().to_owned()
}

#[test]
fn what_cannot_be_read_is_an_error_with_advice() {
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty");
    fs::write(&empty, " \n").unwrap();
    for (path, expected) in [
        ("/nowhere/at/all", "omemo: cannot read /nowhere/at/all"),
        (empty.to_str().unwrap(), "there is nothing to explain"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_omemo"))
            .args(["inspect", path])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(output.stdout, b"");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(expected), "{error}");
    }
}
