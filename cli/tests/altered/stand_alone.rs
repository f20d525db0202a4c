//! Files whose tests stand alone.

use super::alteration::{alter, find, other_digit};

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
