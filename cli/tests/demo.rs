//! `omemo demo`, and the command line around it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use std::process::{Command, Output, Stdio};

fn omemo(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_omemo"))
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The values that follow a label, in the order of the page.
fn values<'a>(page: &'a str, label: &str) -> Vec<&'a str> {
    page.lines()
        .filter_map(|line| line.trim_start().strip_prefix(label))
        .map(str::trim)
        .collect()
}

#[test]
fn each_version_is_read_by_both_and_by_no_server() {
    for (version, namespace, sizes) in [
        ("legacy", "eu.siacs.conversations.axolotl", [98, 98]),
        ("omemo2", "urn:xmpp:omemo:2", [124, 124]),
    ] {
        let output = omemo(&["demo", "--version", version]);
        let page = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{page}");
        assert!(page.contains(namespace), "{page}");
        assert!(
            !page.contains('\u{1b}'),
            "colours are for terminals: {page}"
        );
        assert_eq!(
            values(&page, "Romeo reads"),
            [
                "“Art thou not Romeo and a Montague?”, from Juliet",
                "“How camest thou hither, tell me, and wherefore?”, from Juliet",
            ]
        );
        assert_eq!(
            values(&page, "Juliet reads"),
            ["“Neither, fair saint, if either thee dislike.”, from Romeo"]
        );
        assert_eq!(values(&page, "key exchange"), ["yes", "no", "no"]);
        let keys = values(&page, "encrypted key");
        for (key, size) in keys[1..].iter().zip(sizes) {
            assert!(key.starts_with(&format!("{size} bytes")), "{page}");
        }
        // The one that was used was drawn: it may have been the first.
        let pre_keys = values(&page, "pre-keys now");
        assert!(pre_keys[0].starts_with("100, ids ") && pre_keys[0].ends_with(" to 101"));
        for server in ["capulet.example", "montague.example"] {
            let verdict = values(&page, server);
            assert!(verdict[0].contains("nothing that was said"), "{page}");
        }
        assert!(!page.contains("broken:"), "{page}");
    }
}

#[test]
fn both_versions_show_one_fingerprint_for_a_device() {
    let page = text(&omemo(&["demo"]).stdout);
    let fingerprints = values(&page, "fingerprint  ");
    assert_eq!(fingerprints.len(), 4);
    assert_eq!(fingerprints[..2], fingerprints[2..]);
    assert_ne!(fingerprints[0], fingerprints[1]);
    let keys = values(&page, "identity key");
    assert_ne!(
        keys[..2],
        keys[2..],
        "the versions write one key in two ways"
    );
}

#[test]
fn the_second_time_they_continue_where_they_stopped() {
    let folder = tempfile::tempdir().unwrap();
    // A folder that does not exist is made.
    let store = folder.path().join("verona").to_str().unwrap().to_owned();
    let run = || {
        let output = omemo(&["demo", "--store", &store]);
        let page = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{page}");
        page
    };
    let turns = |page: &str| -> Vec<u32> {
        let sessions = page.lines().filter(|line| line.contains("'s session  "));
        sessions
            .map(|line| {
                assert!(line.contains("number 1, "), "{line}");
                line.rsplit(' ').next().unwrap().parse().unwrap()
            })
            .collect()
    };
    let pages = [run(), run(), run()];
    for (round, page) in (0..).zip(&pages) {
        let is_first = round == 0;
        assert_eq!(page.contains("They were here before."), !is_first);
        assert_eq!(page.contains("is used up"), is_first);
        let first = if is_first { "yes" } else { "no" };
        let expected = [first, "no", "no", first, "no", "no"];
        assert_eq!(values(page, "key exchange"), expected);
        assert_eq!(values(page, "Romeo reads").len(), 4);
        assert_eq!(values(page, "Juliet reads").len(), 2);
        let (juliets, romeos) = (round + 1, round + 2);
        assert_eq!(turns(page), [juliets, romeos, juliets, romeos]);
        let of_first = |label| (values(page, label), values(&pages[0], label));
        let (fingerprints, before) = of_first("fingerprint  ");
        assert_eq!(fingerprints, before);
        let (signed, before) = of_first("signed pre-key");
        assert_eq!(signed, before);
    }
    for file in ["juliet.db", "romeo.db"] {
        assert!(folder.path().join("verona").join(file).exists());
    }
}

#[test]
fn a_store_that_is_none_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("romeo.db"), "Wherefore art thou?").unwrap();
    let output = omemo(&["demo", "--store", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("romeo.db: the file is no store"));
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    for args in [
        &[][..],
        &["nonsense"],
        &["demo", "--version", "omemo1"],
        &["inspect"],
    ] {
        let output = omemo(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains("--help"), "{args:?}");
    }
    for args in [
        &["--help"][..],
        &["-h"],
        &["demo", "--help"],
        &["inspect", "--help"],
        &["doctor", "--help"],
    ] {
        let output = omemo(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(text(&output.stdout).contains("Examples:"), "{args:?}");
    }
    let version = text(&omemo(&["--version"]).stdout);
    assert_eq!(version, concat!("omemo ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_omemo"))
        .arg("demo")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
