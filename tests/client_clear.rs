//! What goes out in clear beside an encrypted message.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::client::Options;
use omemo::model::Version;
use omemo::stanza::{PlainMessage, Unprotected};
use server::stage::{JULIET, ROMEO, Stage, only, options};

const HINTS: &str = "xmlns='urn:xmpp:hints'";

/// The stanza that leaves for a message with this inside.
fn sent(options: &Options, inside: &str) -> String {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), options.clone());
    stage.add(&format!("{ROMEO}/orchard"), options.clone());
    stage.befriend(0, 1);
    stage.say(0, ROMEO, inside);
    assert_eq!(stage.users[1].read.len(), 1, "{:?}", stage.users[0].refused);
    stage.users[0].encrypted[0].stanza.clone()
}

/// XEP-0334 §4: hints that exclude each other do not stand in one message.
#[test]
fn a_message_that_must_not_be_stored_has_no_hint_to_store_it() {
    for version in Version::ALL {
        let usual = sent(&only(version), "<body>x</body>");
        assert_eq!(usual.matches("<store").count(), 1, "{usual}");
        for hint in ["no-store", "no-permanent-store"] {
            for inside in [
                format!("<body>x</body><{hint} {HINTS}/>"),
                format!("<store {HINTS}/><{hint} {HINTS}/><body>x</body>"),
                format!("<h:{hint} xmlns:h='urn:xmpp:hints'/><body>x</body>"),
            ] {
                let sealed = sent(&only(version), &inside);
                assert!(
                    sealed.contains(hint) && !sealed.contains("<store"),
                    "{sealed}"
                );
            }
        }
        for other in [
            format!("<no-copy {HINTS}/>"),
            "<no-store xmlns='urn:x'/>".to_owned(),
        ] {
            let sealed = sent(&only(version), &format!("<body>x</body>{other}"));
            assert_eq!(sealed.matches("<store").count(), 1, "{sealed}");
        }
    }
}

fn keeping() -> Options {
    let mut options = only(Version::Legacy);
    options.unprotected = Unprotected::Keep;
    options
}

const KEY: &str =
    "8c3d050e9386ec173861778f68e9af38a97aaf82faa4063b4d0878a61261534410c8a84331eaac851759f587";

/// Whoever wants elements in clear that legacy cannot encrypt does not want the keys of files in clear.
#[test]
fn the_key_of_a_file_is_never_kept_in_clear() {
    let link = format!("aesgcm://upload.example/a.jpg#{KEY}");
    let body = format!("<body>{link}</body>");
    let secret = "SuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuQ=";
    let encrypted = format!(
        "<encrypted xmlns='urn:xmpp:esfs:0' cipher='urn:xmpp:ciphers:aes-256-gcm-nopadding:0'>\
         <key>{secret}</key><iv>AAAAAAAAAAAAAAAA</iv></encrypted>"
    );
    for beside in [
        format!("<x xmlns='jabber:x:oob'><url>{link}</url></x>"),
        format!(
            "<x xmlns='jabber:x:oob'><url>{}</url></x>",
            link.replace("aesgcm", "AESGCM")
        ),
        format!(
            "<x xmlns='jabber:x:oob'><url>{}</url></x>",
            link.replace("aesgcm", "https")
        ),
        format!("<reference xmlns='urn:xmpp:reference:0' type='data' uri='{link}'/>"),
        format!(
            "<reference xmlns='urn:xmpp:reference:0'><media-sharing xmlns='urn:xmpp:sims:1'>\
             <sources><reference xmlns='urn:xmpp:reference:0' uri='{link}'/></sources></media-sharing></reference>"
        ),
        format!("<subject>{link}</subject>"),
        format!("<body xml:lang='de'>{link}</body>"),
        format!("<note xmlns='urn:x'>{}</note>", KEY.to_uppercase()),
        format!(
            "<file-sharing xmlns='urn:xmpp:sfs:0'><sources>{encrypted}</sources></file-sharing>"
        ),
        format!("<sources xmlns='urn:xmpp:sfs:0' id='1'>{encrypted}</sources>"),
        format!("<wrapped xmlns='urn:x'><deeper>{encrypted}</deeper></wrapped>"),
    ] {
        for body in [&*body, "<body>https://upload.example/a.jpg</body>"] {
            let sealed = sent(&keeping(), &format!("{body}{beside}"));
            let sealed = sealed.to_lowercase();
            for part in [&KEY[24..], &*secret.to_lowercase()] {
                let is_a_link = beside.contains('#') || beside.contains("esfs");
                assert!(
                    !sealed.contains(part) || !(is_a_link || body.contains(KEY)),
                    "{sealed}"
                );
            }
            // The application can know, and say, what was left out.
            let xml = format!("<message to='{ROMEO}'>{body}{beside}</message>");
            let message = PlainMessage::read(&xml).unwrap();
            let left_out = message.left_out(Version::Legacy, Unprotected::Keep);
            assert_eq!(
                left_out.is_empty(),
                sealed.contains(&beside.to_lowercase()),
                "{beside}"
            );
        }
    }
}

/// What says the text again is as secret as the text.
#[test]
fn what_repeats_the_text_is_never_kept_in_clear() {
    for beside in [
        "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>\
         <p>meet me <b>at nine</b></p></body></html>",
        "<subject>meet me at nine</subject>",
        "<x xmlns='urn:x' summary='meet me at nine'/>",
        "<body xml:lang='fr'>meet me at nine</body>",
    ] {
        let sealed = sent(&keeping(), &format!("<body>meet me at nine</body>{beside}"));
        assert!(!sealed.contains("nine"), "{sealed}");
    }
}

#[test]
fn what_shows_no_secret_is_kept_in_clear_where_that_is_wanted() {
    let beside = "<x xmlns='jabber:x:oob'><url>https://upload.example/a.jpg</url></x>\
                  <spoiler xmlns='urn:xmpp:spoiler:0'>the end</spoiler>";
    let inside = format!("<body>look</body>{beside}");
    assert!(sent(&keeping(), &inside).contains(beside));
    let dropped = sent(&only(Version::Legacy), &inside);
    assert!(!dropped.contains("upload.example") && !dropped.contains("the end"));
    // OMEMO 2 encrypts it.
    let mut both = options();
    both.unprotected = Unprotected::Keep;
    both.account.versions = omemo::account::VersionPolicy::Only(Version::Omemo2);
    assert!(!sent(&both, &inside).contains("the end"));
}
