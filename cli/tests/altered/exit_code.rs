//! What is no vector, and how the command ends.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use omemo_cli::verify;
use serde_json::json;

use super::alteration::{failures, folder, other_digit, read, vectors};
use super::session::{DUPLICATES, SESSION};

/// Runs `omemo verify`; its exit code, and what it printed.
fn run(dirs: &[PathBuf]) -> (Option<i32>, String) {
    let command = Command::new(env!("CARGO_BIN_EXE_omemo"))
        .arg("verify")
        .args(dirs)
        .output()
        .unwrap();
    let printed = String::from_utf8(command.stdout).unwrap();
    (command.status.code(), printed)
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
        let dir = failed[0].path.parent().unwrap().to_owned();
        let (code, printed) = run(&[dir]);
        assert_eq!(code, Some(1), "{name}");
        assert!(printed.contains(&failed[0].text), "{name}: {printed}");
    }
}

#[test]
fn what_is_as_it_should_be_exits_with_0() {
    let (code, printed) = run(&[vectors().join("rfc")]);
    assert_eq!(code, Some(0));
    let total = "total        3      13      13        0         0       0\n";
    assert!(printed.contains(total), "{printed}");
    assert!(printed.ends_with("All as the vectors say.\n"), "{printed}");
}

#[test]
fn a_failure_is_printed_with_its_place() {
    let dir = folder("printed");
    let mut content = read("rfc/rfc7748.json");
    other_digit(&mut content["tests"][1]["output"]);
    fs::write(dir.join("v.json"), content.to_string()).unwrap();
    let (code, printed) = run(std::slice::from_ref(&dir));
    assert_eq!(code, Some(1));
    let place = format!(
        "{}: tcId 2: output: expected ",
        dir.join("v.json").display()
    );
    assert!(
        printed.lines().any(|line| line.starts_with(&place)),
        "{printed}"
    );
}

#[test]
fn without_a_folder_the_usage_is_wrong() {
    assert_eq!(run(&[]).0, Some(2));
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
        assert_eq!(run(&dirs).0, Some(1), "{dirs:?}");
    }
}
