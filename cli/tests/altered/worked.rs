//! `kind: worked` and `kind: conversions`.

use serde_json::Value;

use super::alteration::{failures, letter_after, read, replace};

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
            if is_prose.iter().any(|end| path.ends_with(end))
                || head
                    .iter()
                    .any(|start| path == *start || path.starts_with("/producer/"))
                || is_file_cipher
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
fn every_part_of_its_stanzas() {
    for (file, name, bundle, message) in [
        (
            "worked/worked-legacy.json",
            "worked-legacy-xml",
            [
                "<signedPreKeyPublic signedPreKeyId='7'>",
                "<signedPreKeySignature>",
                "<identityKey>",
                "<preKeyPublic preKeyId='42'>",
            ],
            ["<iv>", "<payload>", "prekey='true'>"],
        ),
        (
            "worked/worked-omemo2.json",
            "worked-omemo2-xml",
            ["<spk id='7'>", "<spks>", "<ik>", "<pk id='42'>"],
            ["<payload>", "kex='true'>", "<keys jid='"],
        ),
    ] {
        let fails = |field: &str, change: &dyn Fn(&mut Value)| {
            let mut content = read(file);
            change(&mut content[field]);
            let failed = failures(name, "v.json", &content.to_string());
            assert!(!failed.is_empty(), "{file}: {field}");
            assert!(failed.iter().all(|failure| failure.item == field));
        };
        for tag in bundle {
            fails("bundle_xml", &|xml| letter_after(xml, tag, 5));
        }
        for (from, to) in [("Id='7'", "Id='8'"), (" id='7'", " id='8'")] {
            if read(file)["bundle_xml"].as_str().unwrap().contains(from) {
                fails("bundle_xml", &|xml| replace(xml, from, to));
            }
        }
        fails("bundle_xml", &|xml| replace(xml, "'42'", "'43'"));
        for tag in message {
            fails("message_xml", &|xml| letter_after(xml, tag, 5));
        }
        fails("message_xml", &|xml| replace(xml, "'2222222'", "'2222223'"));
        fails("message_xml", &|xml| replace(xml, "'1111111'", "'1111112'"));
        fails("message_xml", &|xml| replace(xml, "='true'", "='false'"));
    }
}
