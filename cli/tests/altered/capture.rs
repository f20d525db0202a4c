//! Kind `capture`.

use std::fs;

use super::alteration::{failures, vectors};

fn stanza(name: &str) -> String {
    fs::read_to_string(vectors().join("fixtures").join(name)).unwrap()
}

/// Tests run side by side.
fn folder_of(name: &str) -> String {
    format!("capture-{name}")
}

/// The stanza is fine under its name, and not when it is altered, or called something else.
fn altered(name: &str, changes: &[(&str, &str)], other_names: &[&str]) {
    let text = stanza(name);
    assert_eq!(failures(&folder_of(name), name, &text), []);
    for (from, to) in changes {
        assert!(text.contains(from), "{name}: {from}");
        let failed = failures(&folder_of(name), name, &text.replacen(from, to, 1));
        assert_eq!(failed.len(), 1, "{name}: {from}");
        assert!(failed[0].path.ends_with(name));
    }
    for other in other_names {
        assert_eq!(failures(&folder_of(name), other, &text).len(), 1, "{other}");
    }
    let (comment, bare) = text.split_once('\n').unwrap();
    let cut = &text[..text.len() - 5];
    for text in [bare, comment, cut, ""] {
        assert_eq!(failures(&folder_of(name), name, text).len(), 1, "{text}");
    }
}

#[test]
fn messages() {
    altered(
        "legacy-message-prekey-sent-prof-slix-juliet-1.xml",
        &[
            ("<key", "<quay"),
            ("sid=", "cid="),
            ("<payload", "<freight"),
            ("prekey=", "postkey="),
            ("<iv", "<vi"),
            (">Mw", ">Mx"),
        ],
        &[
            "legacy-message-normal-sent.xml",
            "legacy-message-empty-prekey-sent.xml",
            "legacy-message-muc-prekey-sent.xml",
            "omemo2-message-prekey-sent.xml",
            "legacy-message-prekey.xml",
            "legacy-publish-devicelist.xml",
            "message.xml",
        ],
    );
    altered(
        "omemo2-message-empty-normal-received-slix-slix2-juliet-1.xml",
        &[("urn:xmpp:omemo:2", "urn:xmpp:omemo:1")],
        &[
            "omemo2-message-normal-received.xml",
            "omemo2-message-empty-prekey-received.xml",
        ],
    );
}

#[test]
fn bundles() {
    altered(
        "omemo2-publish-bundle-slix-slix2-juliet-1.xml",
        &[
            ("<spks>", "<spks>AAAA"),
            ("<ik>", "<kk>"),
            ("<item", "<thing"),
            ("omemo:2:bundles", "omemo:2:devices"),
        ],
        &[
            "omemo2-result-bundle.xml",
            "legacy-publish-bundle.xml",
            "omemo2-publish-devices.xml",
        ],
    );
    let name = "legacy-result-bundle-slix-prof-romeo-1.xml";
    let text = stanza(name);
    let place = text.find("<signedPreKeySignature").unwrap();
    let place = place + text[place..].find('>').unwrap() + 10;
    let other = if text.as_bytes()[place] == b'A' {
        "B"
    } else {
        "A"
    };
    let text = format!("{}{other}{}", &text[..place], &text[place + 1..]);
    let failed = failures(&folder_of(name), name, &text);
    assert_eq!(failed.len(), 1);
    assert!(failed[0].text.contains("bad-signature"), "{}", failed[0]);
}

#[test]
fn device_lists() {
    altered(
        "event-omemo2-devices-slix-slix-juliet-2.xml",
        &[("<devices", "<gadgets"), ("<items", "<itens")],
        &[
            "omemo2-result-devices.xml",
            "event-legacy-devicelist.xml",
            "event-omemo2-bundle.xml",
        ],
    );
}
