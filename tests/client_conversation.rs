//! Clients that write to each other over a server, with stanzas as text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::account::{ConversationState, VersionPolicy};
use omemo::client::{Disposition, Notice, Origin, RefusalReason};
use omemo::model::Version;
use omemo::stanza::Unprotected;
use omemo::store::faults::{Fault, FaultPlan, Faulty};
use omemo::store::{MemoryStore, StoreError};
use server::stage::{JULIET, ROMEO, Stage, body, jid, only, options, text};

const EXTRAS: &str = "<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='x'/>\
    <replace xmlns='urn:xmpp:message-correct:0' id='w'/>";

#[test]
fn juliet_writes_to_romeo_and_nobody_on_the_way_reads_it() {
    let mut stage = Stage::of_two();
    stage.add("romeo@montague.example/phone", options());
    let said = format!("<body>Art thou not Romeo?</body>{EXTRAS}");
    stage.say(0, ROMEO, &said);
    for user in [1, 2] {
        let user = &stage.users[user];
        assert_eq!(user.read.len(), 1, "{:?}", user.undecryptable);
        let stanza = &user.read[0].stanza;
        assert_eq!(body(stanza), "Art thou not Romeo?");
        for extra in ["receipts", "origin-id", "id='w'"] {
            assert!(stanza.contains(extra), "{stanza}");
        }
    }
    stage.say(1, JULIET, &text("Neither"));
    assert_eq!(stage.users[0].bodies(), ["Neither"]);
    // The other device of Romeo has a copy of what he wrote.
    assert_eq!(stage.users[2].read[1].origin, Origin::CarbonSent);
    assert!(!stage.was_seen("Art thou") && !stage.was_seen("Neither"));
    let told: Vec<_> = stage.users.iter().map(|user| user.notices.len()).collect();
    assert_eq!(told, [0, 1, 0], "of the second device");
}

/// A receipt request, an id and a correction: whatever the version, the same stanza comes out.
#[test]
fn both_versions_bring_the_same_stanza() {
    let said = format!("<body>Art &lt;thou&gt; not &amp; Romeo?</body>{EXTRAS}");
    let mut stanzas = Vec::new();
    for version in Version::ALL {
        let mut stage = Stage::new();
        stage.add("juliet@capulet.example/balcony", only(version));
        stage.add("romeo@montague.example/orchard", only(version));
        stage.say(0, ROMEO, &said);
        let sealed = &stage.users[0].encrypted[0].stanza;
        assert!(sealed.contains(version.namespace()));
        // The id of the corrected message is a sign that legacy leaves where it is.
        assert_eq!(sealed.contains("receipts"), version == Version::Legacy);
        assert!(sealed.contains("origin-id") && !sealed.contains("Art"));
        assert_eq!(
            sealed.contains("<body>"),
            version == Version::Legacy,
            "a fallback"
        );
        stanzas.push(stage.users[1].read[0].stanza.clone());
    }
    let parsed: Vec<_> = stanzas.iter().map(|stanza| elements(stanza)).collect();
    assert_eq!(parsed[0], parsed[1]);
    assert_eq!(parsed[0].len(), 2 + 4, "{:?}", parsed[0]);
}

/// The attributes, and the elements in some order.
fn elements(stanza: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(stanza).unwrap();
    let root = document.root_element();
    let mut found: Vec<_> = ["id", "type"]
        .iter()
        .map(|name| root.attribute(*name).unwrap().to_owned())
        .collect();
    let mut children: Vec<_> = root
        .children()
        .filter(|child| child.tag_name().name() != "store")
        .map(|child| {
            let attributes: Vec<_> = child.attributes().map(|a| a.value()).collect();
            let name = child.tag_name();
            let namespace = name
                .namespace()
                .filter(|namespace| *namespace != "jabber:client");
            format!(
                "{namespace:?} {} {attributes:?} {:?}",
                name.name(),
                child.text()
            )
        })
        .collect();
    children.sort();
    found.extend(children);
    found
}

/// A device that reads legacy alone, and one that reads OMEMO 2 alone, get one stanza.
#[test]
fn one_stanza_has_both_versions_where_both_are_needed() {
    let mut stage = Stage::new();
    stage.add("juliet@capulet.example/balcony", options());
    stage.add("romeo@montague.example/old", only(Version::Legacy));
    stage.add("romeo@montague.example/new", only(Version::Omemo2));
    stage.say(
        0,
        ROMEO,
        "<body>x-1</body><subject>x-2</subject><reactions xmlns='urn:xmpp:reactions:0'><reaction>x-3\
         </reaction></reactions><composing xmlns='http://jabber.org/protocol/chatstates'/>",
    );
    let sealed = &stage.users[0].encrypted[0].stanza;
    for version in Version::ALL {
        assert!(
            sealed.contains(&format!("<encrypted xmlns='{}'", version.namespace())),
            "{sealed}"
        );
    }
    assert!(!sealed.contains("<body"), "{sealed}");
    for text in ["x-1", "x-2", "x-3"] {
        assert!(!stage.was_seen(text));
    }
    let (old, new) = (
        &stage.users[1].read[0].stanza,
        &stage.users[2].read[0].stanza,
    );
    assert_eq!((body(old), body(new)), ("x-1".to_owned(), "x-1".to_owned()));
    assert!(new.contains("x-2") && new.contains("x-3") && new.contains("composing"));
    assert!(!old.contains("x-2") && !old.contains("x-3") && old.contains("composing"));
}

#[test]
fn what_legacy_cannot_protect_is_dropped_kept_or_not_sent() {
    for (unprotected, read) in [
        (Unprotected::Drop, [1, 1]),
        (Unprotected::Keep, [1, 1]),
        (Unprotected::Skip, [0, 1]),
    ] {
        let mut stage = Stage::new();
        let mut options = options();
        options.unprotected = unprotected;
        stage.add("juliet@capulet.example/balcony", options);
        stage.add("romeo@montague.example/old", only(Version::Legacy));
        stage.add("romeo@montague.example/new", only(Version::Omemo2));
        stage.say(0, ROMEO, "<body>x-1</body><subject>x-2</subject>");
        let got = [1, 2].map(|user| stage.users[user].read.len());
        assert_eq!(got, read, "{unprotected:?}");
        let report = &stage.users[0].encrypted[0].report;
        assert_eq!(report.devices.len(), 2);
        assert_eq!(report.skipped().count(), 2 - read[0] - read[1]);
        assert_eq!(stage.was_seen("x-2"), unprotected == Unprotected::Keep);
        assert!(!stage.was_seen("x-1"));
    }
}

/// What has no text cannot be written in legacy: the recipient who reads nothing else gets nothing, and
/// nothing goes out in clear.
#[test]
fn a_message_without_text_is_refused_for_legacy_alone() {
    let mut stage = Stage::new();
    stage.add("juliet@capulet.example/balcony", options());
    stage.add("romeo@montague.example/old", only(Version::Legacy));
    let before = stage.server.seen.len();
    stage.say(
        0,
        ROMEO,
        "<reactions xmlns='urn:xmpp:reactions:0'><reaction>x-3</reaction></reactions>",
    );
    let refused = &stage.users[0].refused;
    assert!(matches!(refused[0].reason, RefusalReason::Recipients(_)));
    assert!(stage.users[0].encrypted.is_empty() && !stage.was_seen("x-3"));
    assert!(
        stage.server.seen[before..]
            .iter()
            .all(|xml| xml.starts_with("<iq"))
    );
}

/// Carbons in both directions: what another client of Juliet received, and what it sent.
#[test]
fn carbons_of_what_was_received_and_sent() {
    let mut stage = Stage::of_two();
    let phone = stage.add("juliet@capulet.example/phone", options());
    stage.say(1, "juliet@capulet.example/balcony", &text("to the balcony"));
    stage.say(0, ROMEO, &text("from the balcony"));
    let read = &stage.users[phone].read;
    assert_eq!(
        stage.users[phone].bodies(),
        ["to the balcony", "from the balcony"]
    );
    assert_eq!(read[0].origin, Origin::CarbonReceived);
    assert_eq!(read[0].sender.jid, jid(ROMEO));
    assert_eq!(read[1].origin, Origin::CarbonSent);
    assert_eq!(read[1].sender.jid, jid(JULIET));
    assert!(
        read[1].stanza.contains("to='romeo@montague.example'"),
        "{}",
        read[1].stanza
    );
    assert_eq!(stage.users[0].bodies(), ["to the balcony"]);
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let mut stage = Stage::new();
    stage.server.refusals = ["item-not-found", "item-not-found"]
        .map(str::to_owned)
        .into();
    let juliet = stage.add("juliet@capulet.example/balcony", options());
    assert!(stage.users[juliet].client.is_published().unwrap());
    assert!(stage.users[juliet].notices.is_empty());
}

#[test]
fn a_device_that_nobody_told_of_is_found_when_it_writes() {
    let mut stage = Stage::new();
    let juliet = stage.add("juliet@capulet.example/balcony", options());
    let romeo = stage.add("romeo@montague.example/orchard", options());
    let romeos = jid(ROMEO);
    let now = stage.time();
    stage.users[juliet]
        .client
        .set_contact(&romeos, true, true, now)
        .unwrap();
    stage.say(juliet, ROMEO, "<body>Romeo?</body>");
    // Within the hour in which a list is not asked for again.
    stage.now += 60_000;
    stage.server.tells_nobody = true;
    let second = stage.add("romeo@montague.example/phone", options());
    stage.say(second, "juliet@capulet.example", "<body>I am here</body>");
    assert_eq!(stage.users[juliet].read.len(), 1);
    stage.say(juliet, ROMEO, "<body>Both of you</body>");
    for (user, what) in [(romeo, "the first"), (second, "the second")] {
        let read = stage.users[user].read.iter();
        let mut texts = read.map(|delivery| &delivery.stanza);
        assert!(texts.any(|text| text.contains("Both of you")), "{what}");
    }
}

#[test]
fn what_is_not_encrypted_is_not_touched() {
    let mut stage = Stage::of_two();
    for stanza in [
        "<message from='a@b'><body>urn:xmpp:omemo:2</body></message>",
        "<message from='a@b'><body>hello</body></message>",
        "<presence/>",
        "<presence from='a@b'><x xmlns='y'>urn:xmpp:omemo:2</x></presence>",
        "<iq type='result' from='a@b'><query xmlns='http://jabber.org/protocol/disco#info'>\
         <feature var='eu.siacs.conversations.axolotl.devicelist+notify'/></query></iq>",
    ] {
        assert_eq!(stage.receive(0, stanza), Disposition::NotOurs, "{stanza}");
    }
    assert!(stage.users[0].client.next_action().is_none());
}

#[test]
fn an_opt_out_ends_encryption_until_the_user_says_otherwise() {
    let mut stage = Stage::new();
    stage.add("juliet@capulet.example/balcony", only(Version::Omemo2));
    stage.add("romeo@montague.example/orchard", only(Version::Omemo2));
    let phone = stage.add("romeo@montague.example/phone", only(Version::Omemo2));
    stage.befriend(0, 1);
    stage.say(
        1,
        JULIET,
        "<opt-out xmlns='urn:xmpp:omemo:2'><reason>tired</reason></opt-out>",
    );
    let opted_out = |jid| Notice::OptedOut {
        jid,
        reason: Some("tired".to_owned()),
    };
    assert_eq!(stage.users[0].notices, [opted_out(jid(ROMEO))]);
    // The other device of Romeo knows with whom it was.
    let told = stage.users[phone].notices.last();
    assert_eq!(told, Some(&opted_out(jid(JULIET))));
    for (user, to) in [(0, ROMEO), (phone, JULIET)] {
        stage.say(user, to, &text("in secret"));
        let refused = &stage.users[user].refused;
        assert!(
            format!("{:?}", refused[0].reason).contains("OptedOut"),
            "{refused:?}"
        );
    }
    assert!(stage.users[0].encrypted.is_empty());
    let now = stage.time();
    let account = stage.users[0].client.account();
    account.opt_in(&jid(ROMEO), now).unwrap();
    stage.say(0, ROMEO, &text("in secret"));
    assert_eq!(stage.users[1].bodies().last().unwrap(), "in secret");
}

/// The message is not acknowledged, and handed out again after the user has decided.
#[test]
fn an_opt_out_that_is_handed_out_again_ends_nothing() {
    let mut stage = Stage::new();
    stage.add("juliet@capulet.example/balcony", only(Version::Omemo2));
    stage.add("romeo@montague.example/orchard", only(Version::Omemo2));
    stage.befriend(0, 1);
    stage.users[0].forgets = true;
    stage.say(1, JULIET, "<opt-out xmlns='urn:xmpp:omemo:2'/>");
    let state = |stage: &Stage| {
        let account = stage.users[0].client.account();
        account.conversation_state(&jid(ROMEO)).unwrap()
    };
    // What was decided lasts, either way.
    stage.crash(0);
    stage.settle();
    assert!(matches!(state(&stage), ConversationState::OptedOut { .. }));
    let now = stage.time();
    let account = stage.users[0].client.account();
    account.opt_in(&jid(ROMEO), now).unwrap();
    stage.crash(0);
    stage.connect(0);
    stage.settle();
    assert!(stage.users[0].read.last().unwrap().is_again);
    assert!(!matches!(state(&stage), ConversationState::OptedOut { .. }));
    stage.say(0, ROMEO, &text("in secret"));
    assert_eq!(stage.users[1].bodies(), ["in secret"]);
}

/// A store that fails between the message and what it says: both are there in the end.
#[test]
fn an_opt_out_survives_a_store_that_fails() {
    for has_inbox in [true, false] {
        let mut nth = 0;
        loop {
            let run = |plan| {
                let store = Arc::new(Faulty::new(MemoryStore::new(), plan));
                let mut options = only(Version::Omemo2);
                if !has_inbox {
                    options.account.inbox = None;
                }
                let mut stage = Stage::new();
                stage.add_with("juliet@capulet.example/balcony", options, store.clone());
                stage.add("romeo@montague.example/orchard", only(Version::Omemo2));
                stage.befriend(0, 1);
                let sealed = stage.seal(1, JULIET, "<opt-out xmlns='urn:xmpp:omemo:2'/>");
                let (start, now) = (store.calls(), stage.time());
                let client = &mut stage.users[0].client;
                if client.receive(&sealed, now).is_err() {
                    client.receive(&sealed, now).unwrap();
                }
                let calls = start..store.calls();
                stage.settle();
                (stage, calls)
            };
            let (_, calls) = run(FaultPlan::none());
            let fault = Fault::Before(StoreError::Io);
            let (stage, _) = run(FaultPlan::none().call(calls.start + nth, fault));
            let user = &stage.users[0];
            assert_eq!(user.read.len(), 1, "{has_inbox} {nth}");
            let state = user.client.account().conversation_state(&jid(ROMEO));
            assert!(matches!(state, Ok(ConversationState::OptedOut { .. })));
            assert_eq!(user.notices.len(), 1, "{has_inbox} {nth}");
            nth += 1;
            if calls.start + nth >= calls.end {
                break;
            }
        }
    }
}

/// The versions that a message may be written in are a choice of the sender's.
#[test]
fn the_newest_version_is_taken_where_that_is_wished() {
    for (policy, expected) in [
        (VersionPolicy::ByEvidence, Version::Legacy),
        (VersionPolicy::Newest, Version::Omemo2),
        (VersionPolicy::Only(Version::Legacy), Version::Legacy),
    ] {
        let mut stage = Stage::new();
        let mut options = options();
        options.account.versions = policy;
        stage.add("juliet@capulet.example/balcony", options.clone());
        stage.add("romeo@montague.example/orchard", server::stage::options());
        stage.say(0, ROMEO, &text("x"));
        assert_eq!(stage.users[1].read[0].sender.version, expected);
        // Who has written OMEMO 2 is answered in it.
        stage.say(1, JULIET, &text("y"));
        assert_eq!(stage.users[0].read[0].sender.version, expected);
    }
}
