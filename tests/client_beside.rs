//! What stands beside the encrypted part of a message that comes: nobody has authenticated it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::client::{Delivery, Options};
use omemo::model::Version;
use omemo::stanza::{ElementName, MarkKind};
use server::stage::{JULIET, ROMEO, Stage, body, only, text};

/// What Juliet is handed out of a message by Romeo, to which a server adds something on the way.
fn read(options: Options, inside: &str, added: &str) -> Delivery {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), options.clone());
    stage.add(&format!("{ROMEO}/orchard"), options);
    stage.befriend(0, 1);
    let sealed = stage.seal(1, JULIET, inside);
    stage.receive(
        0,
        &sealed.replace("</message>", &format!("{added}</message>")),
    );
    stage.settle();
    assert_eq!(
        stage.users[0].read.len(),
        1,
        "{:?}",
        stage.users[0].undecryptable
    );
    stage.users[0].read.remove(0)
}

const FORGED: [&str; 6] = [
    "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>evil</body></html>",
    "<x xmlns='jabber:x:oob'><url>https://evil.example/x</url></x>",
    "<subject xmlns='jabber:client'>evil</subject>",
    "<file-sharing xmlns='urn:xmpp:sfs:0' id='evil'/>",
    "<reactions xmlns='urn:xmpp:reactions:0' id='evil'/>",
    "<fallback xmlns='urn:xmpp:fallback:0' for='evil'><body/></fallback>",
];

#[test]
fn what_a_server_adds_is_not_in_the_decrypted_stanza() {
    for version in Version::ALL {
        for forged in FORGED {
            let delivery = read(only(version), &text("I love you"), forged);
            assert_eq!(body(&delivery.stanza), "I love you");
            assert!(!delivery.stanza.contains("evil"), "{}", delivery.stanza);
            assert_eq!(delivery.unauthenticated, forged);
            assert!(delivery.unauthenticated_marks.is_empty());
        }
        let bodies = "<body>evil</body><body xml:lang='de'>evil</body>";
        let delivery = read(only(version), &text("I love you"), bodies);
        assert_eq!(delivery.stanza.matches("<body").count(), 1);
        assert!(!delivery.stanza.contains("evil") && delivery.unauthenticated.is_empty());
    }
}

#[test]
fn what_servers_say_stays_in_the_stanza() {
    let added = "<delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2026-11-22T23:00:00Z'/>\
        <stanza-id xmlns='urn:xmpp:sid:0' id='1' by='juliet@capulet.example'/>";
    for version in Version::ALL {
        let delivery = read(only(version), &text("x"), added);
        assert!(delivery.stanza.contains(added), "{}", delivery.stanza);
        assert!(delivery.unauthenticated.is_empty());
    }
}

/// In legacy a server can make a correction of any message. In OMEMO 2 the mark comes out of the envelope.
#[test]
fn marks_beside_a_legacy_message_are_marked_as_not_authenticated() {
    let replace = "<replace xmlns='urn:xmpp:message-correct:0' id='7'/>";
    let reply = "<reply xmlns='urn:xmpp:reply:0' id='8' to='romeo@montague.example'/>";
    let said = text("x") + replace;
    let delivery = read(only(Version::Legacy), &said, reply);
    assert!(delivery.stanza.contains(replace) && delivery.stanza.contains(reply));
    let marks: Vec<_> = delivery
        .unauthenticated_marks
        .iter()
        .map(|mark| (mark.kind, mark.id.as_deref()))
        .collect();
    assert_eq!(
        marks,
        [(MarkKind::Replace, Some("7")), (MarkKind::Reply, Some("8"))]
    );

    let delivery = read(only(Version::Omemo2), &said, reply);
    assert!(delivery.stanza.contains(replace) && !delivery.stanza.contains(reply));
    assert!(delivery.unauthenticated_marks.is_empty());
    assert_eq!(delivery.unauthenticated, reply);
    // What a server says of itself is not taken for what came out of the envelope.
    let delivery = read(only(Version::Omemo2), &text("x"), replace);
    assert!(!delivery.stanza.contains("replace") && delivery.unauthenticated == replace);
}

#[test]
fn an_application_can_take_more_of_legacy() {
    let link = "<x xmlns='jabber:x:oob'><url>https://upload.example/x</url></x>";
    for version in Version::ALL {
        let mut options = only(version);
        options.kept_beside = vec![ElementName::new("jabber:x:oob", "x")];
        let delivery = read(options, &text("x"), link);
        let is_legacy = version == Version::Legacy;
        assert_eq!(
            delivery.stanza.contains(link),
            is_legacy,
            "{}",
            delivery.stanza
        );
        assert_eq!(delivery.unauthenticated.is_empty(), is_legacy);
    }
}
