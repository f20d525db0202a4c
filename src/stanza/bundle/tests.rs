use super::*;
use crate::crypto::{PreKeyPair, Secret};
use crate::stanza::{Defect, XmlError};

/// Base64 of a key in the legacy form, and of the same key in OMEMO 2's.
const KEY: [&str; 2] = [
    "BQkbIcgq3jrxMB0D8hqQTQzQANLfraSeN870mjreq4l3",
    "CRshyCreOvEwHQPyGpBNDNAA0t+tpJ43zvSaOt6riXc=",
];

fn legacy(pre_keys: &str) -> String {
    format!(
        "<bundle xmlns='eu.siacs.conversations.axolotl'>\
         <signedPreKeyPublic signedPreKeyId='7'>{0}</signedPreKeyPublic>\
         <signedPreKeySignature>{1}</signedPreKeySignature>\
         <identityKey>{0}</identityKey><prekeys>{pre_keys}</prekeys></bundle>",
        KEY[0],
        "A".repeat(86),
    )
}

fn read(xml: &str) -> Result<Bundle, StanzaError> {
    read_bundle(Version::Legacy, xml)
}

fn pre_key(id: &str, key: &str) -> String {
    format!("<preKeyPublic preKeyId='{id}'>{key}</preKeyPublic>")
}

fn ids(bundle: &Bundle) -> Vec<u32> {
    bundle.pre_keys.iter().map(|entry| entry.id.get()).collect()
}

#[test]
fn a_bundle() {
    let bundle = read(&legacy(&pre_key("9", KEY[0]))).unwrap();
    assert_eq!(bundle.version, Version::Legacy);
    assert_eq!(bundle.signed_pre_key_id.get(), 7);
    assert_eq!(bundle.signature.as_bytes(), &[0; 64]);
    assert_eq!(bundle.identity.as_bytes(), bundle.signed_pre_key.as_bytes());
    assert_eq!(
        bundle.pre_keys[0].key.as_bytes(),
        bundle.signed_pre_key.as_bytes()
    );
    assert_eq!(ids(&bundle), [9]);
}

#[test]
fn pre_keys_that_cannot_be_used_are_left_out() {
    let other = PreKeyPair::from_private(Secret::new([3; 32]));
    let other = [&[5], &other.public().as_bytes()[..]].concat();
    let other = ::base64::Engine::encode(&::base64::prelude::BASE64_STANDARD, other);
    let low_order = format!("BQ{}", "A".repeat(42));
    let all = [
        pre_key("9", KEY[0]),
        pre_key("1", "?"),
        pre_key("2", KEY[1]),
        pre_key("3", &low_order),
        pre_key("0", KEY[0]),
        pre_key("4294967295", KEY[0]),
        "<pk id='5'>?</pk><preKeyPublic xmlns='x'/>".into(),
        pre_key("9", &other),
    ];
    let bundle = read(&legacy(&all.concat())).unwrap();
    assert_eq!(ids(&bundle), [0, 9, u32::MAX]);
    assert_ne!(bundle.pre_keys[0].key, bundle.pre_keys[1].key);

    for (useless, error) in [
        (String::new(), StanzaError::missing("preKeyPublic")),
        (all[1].clone(), StanzaError::base64("preKeyPublic")),
        (
            all[3].clone() + &all[2],
            bad_key("preKeyPublic")(KeyError::LowOrder),
        ),
    ] {
        assert_eq!(read(&legacy(&useless)), Err(error));
    }
}

#[test]
fn a_pre_key_id_that_is_no_number_names_no_pre_key() {
    for id in ["", "x", "-1", "4294967296"] {
        let odd = pre_key(id, KEY[0]);
        let bundle = read(&legacy(&(pre_key("9", KEY[0]) + &odd))).unwrap();
        assert_eq!(ids(&bundle), [9], "{id}");
        let malformed = StanzaError::attribute("preKeyPublic");
        assert_eq!(read(&legacy(&odd)), Err(malformed), "{id}");
    }
}

#[test]
fn pre_keys_are_counted() {
    let many = |count: usize| legacy(&pre_key("9", KEY[0]).repeat(count));
    assert!(read(&many(MAX_PRE_KEYS)).is_ok());
    assert_eq!(read(&many(MAX_PRE_KEYS + 1)), Err(Limit::PreKeys.into()));
}

#[test]
fn each_part_is_there_once() {
    let whole = legacy(&pre_key("9", KEY[0]));
    for name in [
        "signedPreKeyPublic",
        "signedPreKeySignature",
        "identityKey",
        "prekeys",
    ] {
        let start = whole.find(&format!("<{name}")).unwrap();
        let end = whole.find(&format!("</{name}>")).unwrap() + name.len() + 3;
        let part = &whole[start..end];
        let without = whole.replace(part, "<future xmlns='x'><ik/></future>");
        assert_eq!(read(&without), Err(StanzaError::missing(name)));
        let twice = whole.replace(part, &part.repeat(2));
        assert_eq!(read(&twice), Err(StanzaError::repeated(name)));
    }
}

#[test]
fn a_bundle_of_something_else_is_none() {
    let whole = legacy(&pre_key("9", KEY[0]));
    let missing = Err(StanzaError::missing("bundle"));
    assert_eq!(read_bundle(Version::Omemo2, &whole), missing);
    let other = whole.replace("eu.siacs.conversations.axolotl", "urn:xmpp:omemo:1");
    assert_eq!(read(&other), missing);
    assert_eq!(read("<bundle/>"), missing);
    assert_eq!(read(&(whole + "x")), Err(XmlError::Syntax.into()));
}

#[test]
fn lengths() {
    let whole = legacy(&pre_key("9", KEY[0]));
    let short = whole.replace(&"A".repeat(86), &"A".repeat(84));
    assert_eq!(
        read(&short),
        Err(StanzaError::Malformed {
            element: "signedPreKeySignature",
            defect: Defect::Length
        })
    );
    let bare = whole.replacen(KEY[0], KEY[1], 1);
    assert_eq!(
        read(&bare),
        Err(bad_key("signedPreKeyPublic")(KeyError::Length))
    );
    for id in ["", "x", "-1", "4294967296"] {
        let no_id = whole.replace("signedPreKeyId='7'", &format!("signedPreKeyId='{id}'"));
        assert_eq!(
            read(&no_id),
            Err(StanzaError::attribute("signedPreKeyPublic")),
            "{id}"
        );
    }
}
