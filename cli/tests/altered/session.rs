//! `kind: session`.

use super::alteration::{alter, alter_value, failures, find, other_digit, other_letter, read};

pub(super) const SESSION: &str = "omemo/session/legacy-oldmemo-ping-pong.json";
const ACTIVE: &str = "omemo/session/omemo2-twomemo-active.json";
pub(super) const DUPLICATES: &str = "omemo/session/omemo2-twomemo-duplicates.json";

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
        other_letter(&mut step["bytes"], 40)
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
        other_letter(&mut step["bytes"], 60)
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
fn the_sender_is_consistent() {
    for field in ["wire", "curve25519_public", "ed25519_public"] {
        for file in [SESSION, ACTIVE] {
            let pointer = format!("/sender/identity/{field}");
            alter_value(&format!("sender-{field}"), file, &pointer, |key| {
                let text = key.as_str().unwrap().to_owned();
                let (left, right) = text.split_at(20);
                let other = if right.starts_with('0') { "1" } else { "0" };
                *key = format!("{left}{other}{}", &right[1..]).into();
            });
        }
    }
}

/// Both answers are fine, but a plaintext must be the vector's.
#[test]
fn what_is_lenient_is_not_arbitrary() {
    let file = "omemo/session/legacy-oldmemo-protobuf.json";
    let mut content = read(file);
    let steps = content["steps"].as_array_mut().unwrap();
    let mut altered = 0;
    for step in steps {
        if step["lenient"] == true && step["result"] == "ok" && step["plaintext"] != "" {
            other_digit(&mut step["plaintext"]);
            altered += 1;
        }
    }
    let failed = failures("lenient", "v.json", &content.to_string());
    assert!(
        !failed.is_empty() && failed.len() <= altered,
        "{altered}: {failed:?}"
    );
}
