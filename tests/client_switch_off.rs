//! How a client takes its device off the server.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::client::Notice;
use omemo::model::BareJid;
use omemo::store::MemoryStore;
use server::publishing::{LISTS, alone, bundle_nodes, reconnect};
use server::stage::{JULIET, MINUTE, Stage, jid, options, text};

fn devices_on(stage: &Stage, own: &BareJid, node: &str) -> usize {
    let items = stage.server.items(own, node);
    items[0].matches("<device ").count()
}

#[test]
fn switched_off_it_leaves_lists_and_bundles_and_the_others_there() {
    let mut stage = alone();
    stage.add("juliet@capulet.example/phone", options());
    let own = stage.users[0].jid();
    let nodes = bundle_nodes(&stage);
    let now = stage.time();
    // The stream breaks in between.
    stage.users[0].holds_requests = true;
    stage.users[0].client.switch_off(now).unwrap();
    stage.settle();
    assert!(stage.users[0].wake_at.is_some(), "requests have their time");
    stage.users[0].holds_requests = false;
    reconnect(&mut stage);
    for list in LISTS {
        assert_eq!(devices_on(&stage, &own, list), 1, "the phone stays");
    }
    assert!(stage.server.items(&own, &nodes[0]).is_empty());
    assert_eq!(stage.server.items(&own, &nodes[1]).len(), 1);
    let notices = stage.users[0].notices.iter();
    let off = notices.filter(|notice| **notice == Notice::SwitchedOff);
    assert_eq!(off.count(), 1);
    // It stays away.
    assert!(reconnect(&mut stage).is_empty());
    stage.add("romeo@montague.example/orchard", options());
    stage.say(2, JULIET, &text("x"));
    assert!(stage.users[0].read.is_empty());
    assert_eq!(stage.users[1].bodies(), ["x"]);
}

/// Before it has seen who else is on the list, it takes nobody off.
#[test]
fn switched_off_at_once_it_waits_for_the_list() {
    let mut stage = alone();
    let store = Arc::new(MemoryStore::new());
    let new = stage.add_offline("juliet@capulet.example/phone", options(), store);
    let now = stage.time();
    stage.users[new].client.switch_off(now).unwrap();
    stage.connect(new);
    stage.settle();
    for list in LISTS {
        assert_eq!(devices_on(&stage, &jid(JULIET), list), 1);
    }
    assert_eq!(stage.users[new].notices, [Notice::SwitchedOff]);
}

/// What the server refuses, or does not answer, has not happened: the user is told so, and it is tried
/// with the next stream.
#[test]
fn switched_off_is_what_the_server_has_taken() {
    type Rule = Option<fn(&str) -> Option<&'static str>>;
    let off: [Rule; 2] = [
        Some(|xml| xml.contains("<publish ").then_some("internal-server-error")),
        Some(|xml| {
            let removes = xml.contains("<delete") || xml.contains("<retract");
            removes.then_some("internal-server-error")
        }),
    ];
    for (rule, silent, is_left) in [
        (off[0], false, false),
        (off[1], false, true),
        (None, true, false),
    ] {
        let mut stage = alone();
        let own = stage.users[0].jid();
        stage.server.rule = rule;
        if silent {
            stage.server.silent_nodes = vec!["urn".to_owned(), "eu".to_owned()];
        }
        let now = stage.time();
        stage.users[0].client.switch_off(now).unwrap();
        stage.settle();
        stage.wait(MINUTE);
        let is_not_published = |notice: &Notice| matches!(notice, Notice::NotPublished { .. });
        let notices = core::mem::take(&mut stage.users[0].notices);
        assert_eq!(notices.len(), 2, "{notices:?}");
        assert!(notices.iter().all(is_not_published), "{notices:?}");
        if !is_left {
            // On the list without a bundle, nobody could write to it.
            for node in bundle_nodes(&stage) {
                assert_eq!(stage.server.items(&own, &node).len(), 1);
            }
        }
        stage.server.rule = None;
        stage.server.silent_nodes.clear();
        // A bundle that is gone already need not go.
        stage.server.forget(&own, &bundle_nodes(&stage)[0]);
        stage.server.forget(&own, &bundle_nodes(&stage)[1]);
        stage.server.rule = Some(|xml| {
            let removes = xml.contains("<delete") || xml.contains("<retract");
            removes.then_some("item-not-found")
        });
        reconnect(&mut stage);
        assert_eq!(stage.users[0].notices, [Notice::SwitchedOff]);
        for list in LISTS {
            assert_eq!(devices_on(&stage, &own, list), 0);
        }
    }
}
