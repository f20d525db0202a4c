//! `kind: bundle`.

use serde_json::Value;

use super::alteration::{alter, failures, find, letter_after, other_digit, read};

const LEGACY: &str = "omemo/bundle/legacy-oldmemo.json";
const OMEMO2: &str = "omemo/bundle/omemo2-twomemo.json";

#[test]
fn every_field_is_compared() {
    for (file, version) in [(LEGACY, "legacy"), (OMEMO2, "omemo2")] {
        let good = find(file, "tests", |test| test["result"] == "ok");
        let altered = |what: &str, change: &dyn Fn(&mut Value)| {
            let name = format!("bundle-{version}-{what}");
            alter(&name, file, "tests", good, |test| {
                change(&mut test["expected"]);
            });
        };
        altered("signature", &|bundle| other_digit(&mut bundle["signature"]));
        altered("spk", &|bundle| other_digit(&mut bundle["spk"]));
        altered("spk-id", &|bundle| add_one(&mut bundle["spk_id"]));
        altered("pre-key", &|bundle| {
            other_digit(&mut bundle["pre_keys"][1]["public"]);
        });
        altered("pre-key-id", &|bundle| {
            add_one(&mut bundle["pre_keys"][1]["id"]);
        });
        altered("pre-key-less", &|bundle| {
            bundle["pre_keys"].as_array_mut().unwrap().pop();
        });
        let other = read(file)["tests"][1]["expected"]["ik"].clone();
        altered("ik", &|bundle| bundle["ik"] = other.clone());
    }
}

#[test]
fn the_kind_of_error_is_compared() {
    for (file, version) in [(LEGACY, "legacy"), (OMEMO2, "omemo2")] {
        for class in ["xml", "malformed", "bad-key", "bad-signature"] {
            let bad = find(file, "tests", |test| test["error"] == class);
            let name = format!("bundle-{version}-{class}");
            alter(&name, file, "tests", bad, |test| {
                let other = if class == "xml" { "malformed" } else { "xml" };
                test["error"] = other.into();
            });
            alter(&name, file, "tests", bad, |test| {
                test["result"] = "ok".into();
                test["expected"] = read(file)["tests"][0]["expected"].clone();
            });
        }
    }
}

#[test]
fn the_bundle_itself_counts() {
    for (file, tag) in [(LEGACY, "<signedPreKeySignature>"), (OMEMO2, "<spks>")] {
        let good = find(file, "tests", |test| test["result"] == "ok");
        alter("bundle-xml", file, "tests", good, |test| {
            letter_after(&mut test["xml"], tag, 3);
        });
        alter("bundle-verdict", file, "tests", good, |test| {
            test["result"] = "error".into();
            test["error"] = "bad-signature".into();
        });
    }
}

/// A bundle may be taken or refused; what is taken must be the vector's.
#[test]
fn a_lenient_bundle_is_not_an_arbitrary_one() {
    let mut content = read(OMEMO2);
    let tests = content["tests"].as_array_mut().unwrap();
    let is_lenient = |test: &&mut Value| test["lenient"] == true && test["result"] == "ok";
    let test = tests.iter_mut().find(is_lenient).unwrap();
    other_digit(&mut test["expected"]["spk"]);
    let tc_id = test["tcId"].clone();
    let failed = failures("bundle-lenient", "v.json", &content.to_string());
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].item, format!("tcId {tc_id}"));
}

fn add_one(number: &mut Value) {
    *number = (number.as_u64().unwrap() + 1).into();
}
