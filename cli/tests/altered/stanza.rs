//! `kind: stanza`.

use serde_json::Value;

use super::alteration::{
    alter, alter_value, failures, find, letter_after, other_digit, other_letter, read, replace,
};

const LEGACY: &str = "omemo/stanza/legacy-oldmemo.json";
const OMEMO2: &str = "omemo/stanza/omemo2-twomemo.json";

#[test]
fn what_comes_out_is_compared() {
    for (file, version) in [(LEGACY, "legacy"), (OMEMO2, "omemo2")] {
        let good = find(file, "steps", |step| step["body"].is_string());
        let altered = |what: &str, change: &dyn Fn(&mut Value)| {
            alter(
                &format!("stanza-{version}-{what}"),
                file,
                "steps",
                good,
                change,
            );
        };
        altered("body", &|step| step["body"] = "something else".into());
        altered("null", &|step| step["body"] = Value::Null);
        altered("empty", &|step| step["empty"] = true.into());
        altered("material", &|step| other_digit(&mut step["key_material"]));
        altered("payload", &|step| {
            letter_after(&mut step["stanza"], "<payload>", 2);
        });
        altered("from", &|step| {
            replace(&mut step["stanza"], "from='juliet@", "from='nurse@");
        });
        altered("sid", &|step| {
            replace(&mut step["stanza"], "<header sid='", "<header sid='1");
        });
        altered("refused", &|step| {
            step["result"] = "error".into();
            step["error"] = "payload".into();
        });

        let empty = find(file, "steps", |step| step["empty"] == true);
        let name = format!("stanza-{version}-not-empty");
        alter(&name, file, "steps", empty, |step| {
            step["empty"] = false.into();
            step["body"] = "".into();
        });
    }
    let enveloped = find(OMEMO2, "steps", |step| step["envelope"].is_string());
    alter("stanza-envelope", OMEMO2, "steps", enveloped, |step| {
        replace(&mut step["envelope"], "<rpad>", "<rpad>more");
    });
    let bodiless = find(OMEMO2, "steps", |step| {
        step["result"] == "ok"
            && step["body"].is_null()
            && step["envelope"].is_null()
            && step["key_material"].is_string()
            && step["empty"].is_null()
    });
    alter("stanza-no-body", OMEMO2, "steps", bodiless, |step| {
        step["body"] = "".into();
    });
}

#[test]
fn a_step_without_an_answer_does_not_pass() {
    let good = find(LEGACY, "steps", |step| step["body"].is_string());
    for (field, item) in [("body", good), ("stanza", good)] {
        let mut content = read(LEGACY);
        let steps = content["steps"].as_array_mut().unwrap();
        let step = steps.iter_mut().find(|step| step["tcId"] == item).unwrap();
        step.as_object_mut().unwrap().remove(field);
        let failed = failures("stanza-without", "v.json", &content.to_string());
        assert_eq!(failed[0].item, format!("tcId {item}"), "{field}");
    }
}

#[test]
fn the_kind_of_error_is_compared() {
    let of_both = ["payload", "not-for-this-device", "duplicate", "malformed"];
    let of_envelopes = ["envelope", "envelope-from", "envelope-to"];
    let legacy = of_both.iter().map(|class| (LEGACY, class));
    let omemo2 = of_both
        .iter()
        .chain(&of_envelopes)
        .map(|class| (OMEMO2, class));
    for (file, class) in legacy.chain(omemo2) {
        let bad = find(file, "steps", |step| step["error"] == *class);
        let name = format!("stanza-{class}");
        alter(&name, file, "steps", bad, |step| {
            step["error"] = "bad-mac".into();
        });
        alter(&name, file, "steps", bad, |step| {
            step["result"] = "ok".into();
            step["body"] = "hello".into();
        });
        if read(file)["steps"][usize::try_from(bad).unwrap() - 1]["key_material"].is_string() {
            alter(&name, file, "steps", bad, |step| {
                other_digit(&mut step["key_material"]);
            });
        } else {
            alter(&name, file, "steps", bad, |step| {
                step["key_material"] = "00".into();
            });
        }
    }
}

#[test]
fn what_is_sent_is_compared() {
    for file in [LEGACY, OMEMO2] {
        let sent = find(file, "steps", |step| step["send"].is_object());
        for field in ["plaintext", "ratchet_private"] {
            alter("stanza-send", file, "steps", sent, |step| {
                let text = step["send"][field].as_str().unwrap().to_owned();
                let (left, right) = text.split_at(20);
                let other = if right.starts_with('0') { "1" } else { "0" };
                step["send"][field] = format!("{left}{other}{}", &right[1..]).into();
            });
        }
        alter("stanza-send", file, "steps", sent, |step| {
            other_letter(&mut step["send"]["bytes"], 20);
        });
    }
}

#[test]
fn both_devices_are_who_they_are() {
    for file in [LEGACY, OMEMO2] {
        for pointer in ["/recipient/jid", "/sender/jid"] {
            alter_value("stanza-no-jid", file, pointer, |jid| *jid = "@".into());
            if file == LEGACY && pointer == "/recipient/jid" {
                // A legacy stanza does not say to whose device a key goes.
                continue;
            }
            alter_value("stanza-jid", file, pointer, |jid| {
                *jid = "nurse@example.com".into()
            });
        }
        for pointer in ["/recipient/device_id", "/sender/device_id"] {
            alter_value("stanza-device", file, pointer, |id| *id = 1.into());
        }
        // Somebody else's identity, which is a valid one.
        let other = read(if file == LEGACY {
            "omemo/stanza/legacy-omemo-dr.json"
        } else {
            "omemo/stanza/omemo2-libomemo-c.json"
        });
        alter_value("stanza-sender", file, "/sender/identity", |identity| {
            *identity = other["sender"]["identity"].clone();
        });
    }
}

/// A message may be read or refused; what is read must be the vector's.
#[test]
fn a_lenient_message_is_not_an_arbitrary_one() {
    let mut content = read(OMEMO2);
    let steps = content["steps"].as_array_mut().unwrap();
    let is_lenient = |step: &&mut Value| step["lenient"] == true && step["envelope"].is_string();
    let step = steps.iter_mut().find(is_lenient).unwrap();
    step["body"] = "something else".into();
    let tc_id = step["tcId"].clone();
    let failed = failures("stanza-lenient", "v.json", &content.to_string());
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].item, format!("tcId {tc_id}"));
}
