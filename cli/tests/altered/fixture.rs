//! `kind: fixture`.

use super::alteration::{alter_value, letter_after, other_letter};

/// With a seed, in legacy; without one; in OMEMO 2.
const FILES: [&str; 3] = [
    "fixtures/vectors-prof-slix.json",
    "fixtures/vectors-slix-prof.json",
    "fixtures/vectors-slix-slix2.json",
];

#[test]
fn messages() {
    for file in FILES {
        for message in 0..4 {
            let at = |field: &str| format!("/messages/{message}/{field}");
            alter_value("fixture-body", file, &at("body"), |body| {
                *body = "something else".into();
            });
            alter_value("fixture-stanza", file, &at("stanza"), |stanza| {
                letter_after(stanza, "<payload>", 4);
            });
        }
    }
}

#[test]
fn the_recipient_and_the_sender() {
    for file in FILES {
        for field in [
            "/recipient/identity_pub",
            "/recipient/identity_priv_x25519",
            "/recipient/signed_pre_keys/0/priv",
            "/recipient/signed_pre_keys/0/sig",
        ] {
            alter_value("fixture-key", file, field, |key| other_letter(key, 20));
        }
        if !file.contains("slix-prof") {
            let seed = "/recipient/identity_ed25519_seed";
            alter_value("fixture-seed", file, seed, |key| other_letter(key, 20));
        }
        alter_value("fixture-pre-keys", file, "/recipient/pre_keys", |keys| {
            for key in keys.as_array_mut().unwrap() {
                other_letter(&mut key["priv"], 20);
            }
        });
        for jid in ["/recipient/jid", "/sender_jid"] {
            // A legacy stanza does not say to whose device a key goes.
            if jid == "/sender_jid" || file.contains("slix2") {
                alter_value("fixture-jid", file, jid, |jid| {
                    *jid = "nurse@example.com".into();
                });
            }
        }
        alter_value("fixture-device", file, "/recipient/device_id", |id| {
            *id = 1.into();
        });
        alter_value("fixture-namespace", file, "/namespace", |name| {
            *name = "urn:xmpp:omemo:1".into();
        });
    }
}
