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
