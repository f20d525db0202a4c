//! Stanzas that somebody has forged, or sends in somebody else's name.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::account::Order;
use omemo::client::{Answer, Disposition, IqRequest, Origin, Undecryptable, UndecryptableReason};
use omemo::model::Version;
use omemo::stanza::{ContentError, EnvelopeError, Node};
use omemo::store::{MemoryStore, Record};
use server::stage::{JULIET, MALLORY, ROMEO, Stage, only, options, text};
use server::{archived, carbon, with_from};

/// Juliet, whose store can be looked at, and Romeo.
fn stage() -> (Stage, Arc<MemoryStore>) {
    stage_of(omemo::account::VersionPolicy::ByEvidence)
}

fn stage_of(versions: omemo::account::VersionPolicy) -> (Stage, Arc<MemoryStore>) {
    let mut stage = Stage::new();
    let store = Arc::new(MemoryStore::new());
    let mut options = options();
    options.account.versions = versions;
    stage.add_with(
        "juliet@capulet.example/balcony",
        options.clone(),
        store.clone(),
    );
    stage.add("romeo@montague.example/orchard", options);
    stage.befriend(0, 1);
    (stage, store)
}

/// Nothing is taken of a stanza, and nothing changes.
fn is_passed_over(stage: &mut Stage, store: &MemoryStore, stanza: &str) {
    let before: Vec<Record> = store.dump();
    let disposition = stage.receive(0, stanza);
    assert_eq!(disposition, Disposition::Unexpected, "{stanza}");
    assert!(stage.users[0].client.next_action().is_none(), "{stanza}");
    assert_eq!(store.dump(), before, "{stanza}");
}

#[test]
fn a43_a_copy_is_from_the_own_bare_address_or_forged() {
    let (mut stage, store) = stage();
    let sealed = stage.seal(1, JULIET, &text("genuine"));
    for from in [
        ROMEO,
        "romeo@montague.example/orchard",
        "juliet@capulet.example/balcony",
        "juliet@capulet.example/phone",
        "capulet.example",
        "juliet@capulet.example.verona.example",
        "juliet@capulet.exam",
        "",
    ] {
        for direction in ["received", "sent"] {
            let forged = carbon(from, direction, &sealed);
            is_passed_over(&mut stage, &store, &forged);
        }
    }
    let genuine = carbon(JULIET, "received", &sealed);
    assert_eq!(stage.receive(0, &genuine), Disposition::Consumed);
    stage.settle();
    assert_eq!(stage.users[0].bodies(), ["genuine"]);
}

/// The server's own name on it does not make a message that Romeo wrote one of ours.
#[test]
fn a43_the_direction_of_a_copy_is_that_of_the_message() {
    let (mut stage, store) = stage();
    let sealed = stage.seal(1, JULIET, &text("genuine"));
    is_passed_over(&mut stage, &store, &carbon(JULIET, "sent", &sealed));
    let elsewhere = sealed.replace("to='juliet@capulet.example'", "to='nurse@capulet.example'");
    assert_ne!(elsewhere, sealed);
    is_passed_over(&mut stage, &store, &carbon(JULIET, "received", &elsewhere));
    let without =
        carbon(JULIET, "received", &sealed).replacen(" from='juliet@capulet.example'", "", 1);
    assert_eq!(stage.receive(0, &without), Disposition::Consumed);
    stage.settle();
    assert_eq!(stage.users[0].bodies(), ["genuine"]);
    assert_eq!(stage.users[0].read[0].origin, Origin::CarbonReceived);
}

#[test]
fn a44_results_are_of_the_query_and_the_archive_that_were_asked() {
    let (mut stage, store) = stage();
    let sealed = stage.seal(1, JULIET, &text("genuine"));
    let (own, romeo) = (stage.users[0].jid(), stage.users[1].jid());
    let genuine = archived(&own, "q1", 1, &sealed);
    // Nobody has asked.
    is_passed_over(&mut stage, &store, &genuine);
    let now = stage.time();
    let client = &mut stage.users[0].client;
    let catch_up = client.begin_catch_up(Order::OldestFirst, now).unwrap();
    let query = client.expect_archive(catch_up, None, Some("q1"));
    for forged in [
        archived(&own, "q2", 1, &sealed),
        archived(&own, "", 1, &sealed),
        genuine.replace(" queryid='q1'", ""),
        archived(&romeo, "q1", 1, &sealed),
        genuine.replacen(JULIET, "juliet@capulet.example/phone", 1),
        genuine.replacen(JULIET, "capulet.example", 1),
    ] {
        is_passed_over(&mut stage, &store, &forged);
    }
    assert_eq!(stage.receive(0, &genuine), Disposition::Pending);
    stage.users[0].client.end_page(query, now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].bodies(), ["genuine"]);
    assert_eq!(stage.users[0].read[0].origin, Origin::Archive);
    // What was asked before the catch-up ended is not asked any more.
    stage.users[0].client.end_catch_up(catch_up, now).unwrap();
    stage.settle();
    is_passed_over(&mut stage, &store, &genuine);
}

/// A room's archive has the room's messages: it can forge none of a contact, nor of ourselves.
#[test]
fn a44_a_room_speaks_for_nobody_else() {
    let (mut stage, store) = stage_of(omemo::account::VersionPolicy::Only(Version::Legacy));
    stage.add("mallory@verona.example/den", only(Version::Legacy));
    let room = "garden@rooms.verona.example".parse().unwrap();
    let sealed = stage.seal(2, JULIET, &text("I am Romeo"));
    let now = stage.time();
    let client = &mut stage.users[0].client;
    let catch_up = client.begin_catch_up(Order::OldestFirst, now).unwrap();
    let query = client.expect_archive(catch_up, Some(&room), Some("q1"));
    for from in [
        " from='romeo@montague.example/orchard'",
        " from='juliet@capulet.example/phone'",
        " from='rooms.verona.example'",
        "",
    ] {
        let forged = sealed.replacen(" from='mallory@verona.example/den'", from, 1);
        assert_ne!(forged, sealed);
        is_passed_over(&mut stage, &store, &archived(&room, "q1", 1, &forged));
    }
    // What the room has of its occupants is taken.
    let (own, mallory) = (stage.users[0].jid(), stage.users[2].jid());
    let occupants = [
        ("J".to_owned(), own.clone()),
        ("M".to_owned(), mallory.clone()),
    ];
    let of_room = omemo::client::Room {
        members: vec![own, mallory],
        occupants: occupants.into(),
    };
    let client = &mut stage.users[0].client;
    client.set_room(&room, of_room, now).unwrap();
    stage.settle();
    let genuine = sealed
        .replacen("mallory@verona.example/den", &format!("{room}/M"), 1)
        .replacen("'chat'", "'groupchat'", 1);
    let disposition = stage.receive(0, &archived(&room, "q1", 1, &genuine));
    assert_eq!(disposition, Disposition::Pending);
    stage.users[0].client.end_page(query, now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].read[0].sender.jid.as_str(), MALLORY);
}

/// The request in which Juliet asks Romeo's server for his list, open.
fn open_request(stage: &mut Stage) -> IqRequest {
    let now = stage.time();
    let romeo = stage.users[1].jid();
    let client = &mut stage.users[0].client;
    client.set_contact(&romeo, true, false, now).unwrap();
    stage.users[0].holds_requests = true;
    stage.say(0, ROMEO, &text("x"));
    let requests = &stage.users[0].requests;
    let mut lists = requests
        .iter()
        .filter(|request| request.payload.contains("devicelist"));
    lists.next().unwrap().clone()
}

#[test]
fn a45_only_who_was_asked_answers_and_only_once() {
    let (mut stage, store) = stage();
    let request = open_request(&mut stage);
    assert_eq!(request.to, Some(stage.users[1].jid()));
    let genuine = stage.server.answer("x@y/z", &request).unwrap();
    let other = stage.users[0].requests.last().unwrap().id;
    let before = store.dump();
    let now = stage.time();
    let forged = |from: &str| {
        genuine
            .replacen("from='romeo@montague.example'", from, 1)
            .replace("<device id='", "<device id='6")
    };
    for from in [
        "",
        "from='mallory@verona.example'",
        "from='romeo@montague.example/orchard'",
        "from='montague.example'",
        "from='juliet@capulet.example'",
    ] {
        let client = &mut stage.users[0].client;
        client
            .answer(request.id, Answer::Stanza(&forged(from)), now)
            .unwrap();
        assert!(client.next_action().is_none(), "{from}");
        assert_eq!(store.dump(), before, "{from}");
    }
    // For no request.
    let unknown = omemo::client::RequestId::from_number(request.id.get() ^ 1);
    let client = &mut stage.users[0].client;
    client
        .answer(unknown, Answer::Stanza(&genuine), now)
        .unwrap();
    assert_eq!(store.dump(), before);

    stage.now += 1000;
    let now = stage.time();
    let client = &mut stage.users[0].client;
    client
        .answer(request.id, Answer::Stanza(&genuine), now)
        .unwrap();
    let after = store.dump();
    assert_ne!(after, before, "the time at which the list was seen");
    // Once more, with something else in it.
    let again = forged("from='romeo@montague.example'");
    let client = &mut stage.users[0].client;
    client
        .answer(request.id, Answer::Stanza(&again), now)
        .unwrap();
    assert_eq!(store.dump(), after);

    // Late: the time of the other is over.
    stage.now += 3_600_000;
    let now = stage.time();
    stage.users[0].client.tick(now).unwrap();
    let after = store.dump();
    let late = again.replace("devicelist", "x");
    let client = &mut stage.users[0].client;
    client.answer(other, Answer::Stanza(&late), now).unwrap();
    assert_eq!(store.dump(), after);
}

/// An answer to a request of a stream that is gone is one to no request.
#[test]
fn a45_a_new_stream_has_new_requests() {
    let (mut stage, store) = stage();
    let request = open_request(&mut stage);
    let genuine = stage.server.answer("x@y/z", &request).unwrap();
    stage.disconnect(0);
    let before = store.dump();
    stage.now += 1000;
    let now = stage.time();
    let client = &mut stage.users[0].client;
    client
        .answer(request.id, Answer::Stanza(&genuine), now)
        .unwrap();
    assert_eq!(store.dump(), before);
}

#[test]
fn a45_ids_are_drawn() {
    let (mut stage, _) = stage();
    stage.users[0].holds_requests = true;
    let mut ids = Vec::new();
    for _ in 0..50 {
        stage.disconnect(0);
        stage.connect(0);
        stage.settle();
        let requests = stage.users[0].requests.drain(..);
        ids.extend(requests.map(|request| request.id.get()));
    }
    assert!(ids.len() >= 200);
    // Each bit of the 64 is set in about half of them.
    for bit in 0..64 {
        let set = ids.iter().filter(|id| *id >> bit & 1 == 1).count();
        assert!(set > ids.len() / 4 && set < ids.len() * 3 / 4, "bit {bit}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.len() >= 200, "none is drawn twice");
}

fn event(from: &str, node: &str, payload: &str) -> String {
    format!(
        "<message from='{from}'><event xmlns='http://jabber.org/protocol/pubsub#event'>\
         <items node='{node}'><item id='current'>{payload}</item></items></event></message>"
    )
}

fn list(version: Version, device: u32) -> String {
    match version {
        Version::Legacy => {
            format!("<list xmlns='eu.siacs.conversations.axolotl'><device id='{device}'/></list>")
        }
        Version::Omemo2 => {
            format!("<devices xmlns='urn:xmpp:omemo:2'><device id='{device}'/></devices>")
        }
    }
}

#[test]
fn a46_a_list_is_its_senders() {
    let (mut stage, store) = stage();
    let (own, romeo) = (stage.users[0].jid(), stage.users[1].jid());
    let listed = |stage: &Stage, jid| {
        let account = stage.users[0].client.account();
        let devices = account.devices(jid).unwrap();
        devices.iter().any(|device| device.id.get() == 666)
    };
    for version in Version::ALL {
        let node = Node::DeviceList(version).to_string();
        let list = list(version, 666);
        let before = store.dump();
        for forged in [
            // Not from a bare address, or from a stranger.
            event("romeo@montague.example/orchard", &node, &list),
            event("juliet@capulet.example/balcony", &node, &list),
            event("capulet.example", &node, &list),
            event(MALLORY, &node, &list),
            event("", &node, &list),
            // In a message that is no notification.
            format!("<message from='{ROMEO}' type='chat'>{list}</message>"),
            format!(
                "<message from='{ROMEO}'><items node='{node}'><item>{list}</item></items></message>"
            ),
            // In a copy, or out of an archive that nobody asked.
            carbon(JULIET, "received", &event(ROMEO, &node, &list)),
            carbon(MALLORY, "sent", &event(JULIET, &node, &list)),
            archived(&own, "q", 1, &event(ROMEO, &node, &list)),
            // An error repeats what was sent.
            event(ROMEO, &node, &list).replacen("<message", "<message type='error'", 1),
        ] {
            stage.receive(0, &forged);
            assert!(stage.users[0].client.next_action().is_none(), "{forged}");
            assert_eq!(store.dump(), before, "{forged}");
        }
        // Romeo's own: of his devices, not of Juliet's, whatever it says.
        stage.receive(0, &event(ROMEO, &node, &list));
        assert!(listed(&stage, &romeo) && !listed(&stage, &own));
        stage.receive(0, &event(ROMEO, &node, &self::list(version, 5)));
    }
}

/// A bundle counts for the device that was asked for, in the node that was asked for, in an answer.
#[test]
fn a46_a_bundle_of_another_device_is_none() {
    for version in Version::ALL {
        let (mut stage, _) = stage_of(omemo::account::VersionPolicy::Only(version));
        stage.add("mallory@verona.example/den", only(version));
        stage.users[0].holds_requests = true;
        stage.say(0, ROMEO, &text("x"));
        let request = loop {
            let request = stage.users[0].requests.remove(0);
            if request.payload.contains("bundles") {
                break request;
            }
            let answer = stage.server.answer("x@y/z", &request).unwrap();
            let now = stage.time();
            let client = &mut stage.users[0].client;
            client
                .answer(request.id, Answer::Stanza(&answer), now)
                .unwrap();
            stage.settle();
        };
        let [romeo, mallory] = [1, 2].map(|user: usize| {
            let device = stage.users[user].client.account().device();
            device.to_string()
        });
        let bundle_of = |stage: &mut Stage, to: &str, device: &str| {
            let mut request = request.clone();
            request.to = Some(to.parse().unwrap());
            request.payload = request.payload.replace(&romeo, device);
            let answer = stage.server.answer("x@y/z", &request).unwrap();
            answer.replacen(to, ROMEO, 1)
        };
        let forged = bundle_of(&mut stage, MALLORY, &mallory);
        assert!(forged.contains("bundle xmlns"), "{forged}");
        let now = stage.time();
        let client = &mut stage.users[0].client;
        client
            .answer(request.id, Answer::Stanza(&forged), now)
            .unwrap();
        stage.settle();
        assert!(stage.users[0].encrypted.is_empty());
        assert_eq!(stage.users[0].refused.len(), 1);
        let reason = format!("{:?}", stage.users[0].refused[0].reason);
        assert!(reason.contains("NoBundle"), "{reason}");
    }
}

/// A stanza with an element of each version for one device, and those texts in them.
fn mixed(stage: &mut Stage, texts: [&str; 2]) -> String {
    let sealed = Version::ALL.map(|version| {
        stage.users[0].options = only(version);
        stage.crash(0);
        stage.connect(0);
        stage.settle();
        stage.befriend(0, 1);
        let index = usize::from(version == Version::Omemo2);
        stage.seal(0, ROMEO, &text(texts[index]))
    });
    let end = "</encrypted>";
    let cut = |xml: &str| {
        let start = xml.find("<encrypted xmlns").unwrap();
        xml[start..xml.find(end).unwrap() + end.len()].to_owned()
    };
    let other = cut(&sealed[1]);
    sealed[0].replacen("<encrypted ", &format!("{other}<encrypted "), 1)
}

fn without(stanza: &str, namespace: &str) -> String {
    let Some(start) = stanza.find(&format!("<encrypted xmlns='{namespace}'")) else {
        return stanza.to_owned();
    };
    let end = start + stanza[start..].find("</encrypted>").unwrap() + "</encrypted>".len();
    format!("{}{}", &stanza[..start], &stanza[end..])
}

/// Each half of a stanza with both versions, after the whole, is one that was read already. (After a
/// half, the other one cannot be told from a message of its own; the whole can.)
#[test]
fn a47_a_half_of_a_stanza_is_not_read_again() {
    let [legacy, omemo2] = Version::ALL.map(Version::namespace);
    for order in [
        ["", legacy, omemo2],
        ["", omemo2, legacy],
        [legacy, "", legacy],
        [omemo2, "", omemo2],
    ] {
        let (mut stage, _) = stage();
        let stanza = mixed(&mut stage, ["once", "once"]);
        for missing in order {
            stage.receive(1, &without(&stanza, missing));
            stage.settle();
            let user = &stage.users[1];
            assert_eq!(user.bodies(), ["once"], "{order:?}");
            assert!(user.undecryptable.is_empty() && !user.read[0].has_other_text);
        }
    }
}

#[test]
fn another_text_for_the_other_version_is_reported() {
    let (mut stage, _) = stage();
    let stanza = mixed(&mut stage, ["attack at dawn", "stay at home"]);
    stage.receive(1, &stanza);
    stage.settle();
    let user = &stage.users[1];
    assert_eq!(user.bodies(), ["stay at home"]);
    assert_eq!(user.read[0].sender.version, Version::Omemo2);
    assert!(user.read[0].has_other_text);
}

fn content_error(undecryptable: &[Undecryptable]) -> Option<ContentError> {
    match undecryptable.last()?.reason {
        UndecryptableReason::Content(error) => Some(error),
        _ => None,
    }
}

/// Mallory shows Romeo's identity and bundle as his own, and passes on what Juliet writes to him.
#[test]
fn a21_what_was_written_to_another_account_is_not_shown() {
    let (mut stage, _) = stage_of(omemo::account::VersionPolicy::Only(Version::Omemo2));
    let mallory: omemo::model::BareJid = MALLORY.parse().unwrap();
    let romeo = stage.users[1].jid();
    for node in ["urn:xmpp:omemo:2:devices", "urn:xmpp:omemo:2:bundles"] {
        let device = stage.users[1].client.account().device().to_string();
        let item = if node.ends_with("bundles") {
            &*device
        } else {
            "current"
        };
        for payload in stage.server.items(&romeo, node) {
            stage.server.publish(&mallory, node, item, &payload);
        }
    }
    let sealed = stage.seal(0, MALLORY, &text("for Mallory"));
    let passed_on = sealed
        .replacen(
            "to='mallory@verona.example'",
            "to='romeo@montague.example'",
            1,
        )
        .replacen(
            "<keys jid='mallory@verona.example'",
            "<keys jid='romeo@montague.example'",
            1,
        );
    stage.receive(1, &passed_on);
    stage.settle();
    assert!(stage.users[1].read.is_empty());
    let user = &stage.users[1];
    assert_eq!(
        content_error(&user.undecryptable),
        Some(ContentError::Envelope(EnvelopeError::To))
    );
    // Whose key it was is certain, and is told.
    let writer = user.undecryptable.last().and_then(|it| it.sender.clone());
    assert_eq!(writer.map(|peer| peer.jid), Some(stage.users[0].jid()));
    // Good after.
    stage.say(0, ROMEO, &text("for Romeo"));
    assert_eq!(stage.users[1].bodies(), ["for Romeo"]);
    // What cannot be shown does not wait either.
    stage.crash(1);
    assert!(stage.users[1].client.next_action().is_none());
}

/// The server makes a private message of a group message, or the other way round.
#[test]
fn a21_a_group_message_is_no_private_one() {
    let (mut stage, _) = stage_of(omemo::account::VersionPolicy::Only(Version::Omemo2));
    let room = "garden@rooms.example".parse().unwrap();
    let (juliet, romeo) = (stage.users[0].jid(), stage.users[1].jid());
    stage
        .server
        .make_room(&room, &[("J", &juliet), ("R", &romeo)]);
    let now = stage.time();
    for user in [0, 1] {
        let room_of = omemo::client::Room {
            members: vec![juliet.clone(), romeo.clone()],
            occupants: [
                ("J".to_owned(), juliet.clone()),
                ("R".to_owned(), romeo.clone()),
            ]
            .into(),
        };
        stage.users[user]
            .client
            .set_room(&room, room_of, now)
            .unwrap();
    }
    stage.settle();
    stage.users[0].holds_messages = true;
    let sealed = |stage: &mut Stage, kind: &str, to: &str, for_whom: &str| {
        let said = format!("<message to='{to}' type='{kind}'><body>x</body></message>");
        let recipients = [for_whom.parse().unwrap()];
        let client = &mut stage.users[0].client;
        client.encrypt(&said, &recipients, now).unwrap();
        stage.settle();
        let stanza = &stage.users[0].encrypted.last().unwrap().stanza;
        stanza.clone()
    };
    let [group, again] = [(); 2].map(|()| {
        sealed(
            &mut stage,
            "groupchat",
            "garden@rooms.example",
            "garden@rooms.example",
        )
    });
    let direct = sealed(&mut stage, "chat", ROMEO, ROMEO);
    let private = sealed(&mut stage, "chat", "garden@rooms.example/R", ROMEO);
    let garden = "garden@rooms.example/J";
    for (stanza, from) in [
        // As a message to Romeo, through the room or not; as one to everybody in the room.
        (group.replace("'groupchat'", "'chat'"), garden),
        (
            again.replace("'groupchat'", "'chat'"),
            "juliet@capulet.example/balcony",
        ),
        (direct.replace("'chat'", "'groupchat'"), garden),
        (private.replace("'chat'", "'groupchat'"), garden),
    ] {
        let before = stage.users[1].undecryptable.len();
        stage.receive(1, &with_from(&stanza, from));
        stage.settle();
        let user = &stage.users[1];
        assert!(user.read.is_empty(), "{stanza}");
        assert_eq!(user.undecryptable.len(), before + 1, "{stanza}");
    }
    let user = &stage.users[1];
    assert_eq!(
        content_error(&user.undecryptable),
        Some(ContentError::Envelope(EnvelopeError::To))
    );
}

/// Romeo's server makes a device up, which ends the conversation in his name.
#[test]
fn an_opt_out_counts_from_a_trusted_device() {
    use omemo::account::{ConversationState, Trust};
    let opt_out = "<opt-out xmlns='urn:xmpp:omemo:2'/>";
    for trust in [Trust::Undecided, Trust::Distrusted, Trust::Verified] {
        let (mut stage, _) = stage();
        stage.say(0, ROMEO, &text("hello"));
        let now = stage.time();
        let romeo = stage.users[1].jid();
        let key = stage.users[1].client.account().fingerprint();
        let client = &mut stage.users[0].client;
        client.decide(&romeo, &key, Trust::Verified, now).unwrap();
        let other = stage.add("romeo@montague.example/other", only(Version::Omemo2));
        let key = stage.users[other].client.account().fingerprint();
        if trust != Trust::Undecided {
            let client = &mut stage.users[0].client;
            client.decide(&romeo, &key, trust, now).unwrap();
        }
        stage.say(other, JULIET, opt_out);
        assert_eq!(stage.users[0].read.last().unwrap().trust, trust);
        let counts = trust == Trust::Verified;
        let state = stage.users[0].client.account().conversation_state(&romeo);
        let is_opted_out = matches!(state, Ok(ConversationState::OptedOut { .. }));
        assert_eq!(is_opted_out, counts, "{trust:?}");
        let notices = &stage.users[0].notices;
        let is_told = |notice: &omemo::client::Notice| {
            matches!(notice, omemo::client::Notice::OptedOut { .. })
        };
        assert_eq!(notices.iter().any(is_told), counts, "{trust:?}");
    }
}
