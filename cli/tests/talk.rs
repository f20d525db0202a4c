//! The commands that talk, as far as they need no server.

#![cfg(feature = "xmpp")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use std::path::Path;
use std::process::{Command, Output};

/// Runs it where no account is configured and everything it keeps is in `home`.
fn omemo(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_omemo"))
        .args(args)
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_DATA_HOME")
        .env_remove("OMEMO_JID")
        .env_remove("OMEMO_PASSWORD")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_time_that_is_no_time_is_wrong_usage() {
    let home = tempfile::tempdir().unwrap();
    for time in ["18446744073709551615", "0", "-1"] {
        let args = [
            "send",
            "--jid",
            "a@b",
            "--to",
            "c@d",
            "--timeout",
            time,
            "x",
        ];
        let output = omemo(home.path(), &args);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    }
}

/// Programs that start it may say more than it knows.
#[test]
fn pipe_knows_its_options_wherever_they_stand() {
    let home = tempfile::tempdir().unwrap();
    let line =
        "pipe --foo 1 --jid a@b --bar=secret -x --password x --quux --host=127.0.0.1 --port 1";
    let output = omemo(home.path(), &line.split(' ').collect::<Vec<_>>());
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for option in ["--foo\n", "--bar\n", "-x\n", "--quux\n"] {
        assert!(said.contains(&format!("passed over: {option}")), "{said}");
    }
    assert!(!said.contains("secret"), "{said}");
    assert!(said.contains("the server cannot be reached"), "{said}");
    let output = omemo(home.path(), &["pipe", "--foo", "--mode", "none"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn whoever_looks_makes_no_account() {
    let home = tempfile::tempdir().unwrap();
    for command in ["devices", "fingerprint", "trust"] {
        let mut args = vec![command, "--jid", "typo@capulet.example"];
        args.extend((command == "trust").then_some("romeo@montague.example"));
        let output = omemo(home.path(), &args);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(said(&output).contains("no keys"), "{}", said(&output));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
}

/// Makes Juliet's account in a folder.
fn juliet(state: &Path) -> omemo::account::Account {
    std::fs::create_dir(state).unwrap();
    let store = omemo::store::SqliteStore::open(state.join("omemo.db")).unwrap();
    let account = omemo::account::Account::open(
        std::sync::Arc::new(store),
        "juliet@capulet.example".parse().unwrap(),
        omemo::account::Options::new(omemo::account::TrustPolicy::Manual),
        omemo::model::Timestamp::default(),
        &mut getrandom::SysRng,
    );
    account.unwrap()
}

#[test]
fn ones_own_devices_begin_with_this_one() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    let account = juliet(&state);
    let state = state.to_str().unwrap();
    let line = [
        "devices",
        "--jid",
        "juliet@capulet.example",
        "--state",
        state,
    ];
    let output = omemo(home.path(), &line);
    let shown = String::from_utf8(output.stdout).unwrap();
    let heading = format!("device {}, this one", account.device());
    assert!(shown.contains(&heading), "{shown}");
    assert!(
        shown.contains(&account.fingerprint().to_string()),
        "{shown}"
    );
    let output = omemo(
        home.path(),
        &[&line[..], &["romeo@montague.example"]].concat(),
    );
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("No device is known."), "{shown}");
}

#[test]
fn nobody_decides_about_a_key_that_was_not_seen() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    drop(juliet(&state));
    let state = state.to_str().unwrap();
    let who = [
        "trust",
        "--jid",
        "juliet@capulet.example",
        "--state",
        state,
        "romeo@montague.example",
    ];
    let key = "86ddc649866c2c36893c985b78904f1ac0d6efddb3db2b87295c81f9fd6f9f67";
    let output = omemo(home.path(), &[&who[..], &[key]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no such key"), "{}", said(&output));
    let output = omemo(home.path(), &[&who[..], &["--as", "blind"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(omemo(home.path(), &who).status.code(), Some(0));
}
