//! How a client announces itself, and gets servers to take it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::account::Order;
use omemo::client::{Answer, Notice};
use omemo::model::Version;
use omemo::store::MemoryStore;
use server::publishing::{LISTS, alone, bundle_nodes, published, reconnect};
use server::stage::{DAY, HOUR, JULIET, MINUTE, Stage, jid, only, options, text};

fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
    let found = found.iter();
    found
        .map(|(verb, node)| (verb.as_str(), node.as_str()))
        .collect()
}

#[test]
fn bundles_come_before_lists_and_nothing_is_published_twice() {
    let mut stage = alone();
    let all = published(&stage, 0);
    let nodes = bundle_nodes(&stage);
    for (version, list) in LISTS.iter().enumerate() {
        let place = |node: &str| {
            let mut nodes = all.iter();
            nodes.position(|(_, published)| published == node).unwrap()
        };
        assert!(place(&nodes[version]) < place(list));
    }
    assert_eq!(all.len(), 4);
    for xml in stage
        .server
        .seen
        .iter()
        .filter(|xml| xml.contains("<publish "))
    {
        for option in ["access_model'><value>open", "persist_items'><value>true"] {
            assert!(xml.contains(option), "{xml}");
        }
        let has_max = xml.contains("max_items'><value>max");
        assert_eq!(has_max, xml.contains("omemo:2:bundles"), "{xml}");
    }
    // Nothing differs.
    assert!(reconnect(&mut stage).is_empty());
    stage.crash(0);
    stage.connect(0);
    stage.settle();
    assert!(reconnect(&mut stage).is_empty());
    assert!(stage.users[0].notices.is_empty());
}

#[test]
fn what_the_server_has_lost_is_published_again() {
    let mut stage = alone();
    let own = stage.users[0].jid();
    let nodes = bundle_nodes(&stage);
    for node in nodes.iter().map(String::as_str).chain(LISTS) {
        stage.server.forget(&own, node);
        stage.now += 2 * HOUR;
        assert_eq!(pairs(&reconnect(&mut stage)), [("publish", node)]);
        assert_eq!(stage.server.items(&own, node).len(), 1);
    }
}

/// Another bundle under this device's id, such as that of a restored copy.
#[test]
fn another_bundle_in_its_place_is_replaced() {
    let mut stage = alone();
    stage.add("romeo@montague.example/orchard", options());
    let own = stage.users[0].jid();
    let id = stage.users[0].client.account().device().to_string();
    let [_, node] = bundle_nodes(&stage);
    let genuine = stage.server.items(&own, &node);
    let other = stage.server.items(&stage.users[1].jid(), &node);
    for wrong in [
        &*other[0],
        "<bundle xmlns='urn:xmpp:omemo:2'/>",
        "<x xmlns='y'/>",
    ] {
        stage.server.publish(&own, &node, &id, wrong);
        assert_eq!(pairs(&reconnect(&mut stage)), [("publish", node.as_str())]);
        assert_eq!(stage.server.items(&own, &node), genuine);
    }
}

/// A list that cannot be read may have others on it, who must not be taken off.
#[test]
fn a_list_that_cannot_be_read_is_not_replaced() {
    let mut stage = alone();
    let own = stage.users[0].jid();
    for node in LISTS {
        let devices: String = (1..=1001)
            .map(|id| format!("<device id='{id}'/>"))
            .collect();
        let list = match node.ends_with("devicelist") {
            true => format!("<list xmlns='eu.siacs.conversations.axolotl'>{devices}</list>"),
            false => format!("<devices xmlns='urn:xmpp:omemo:2'>{devices}</devices>"),
        };
        stage.server.publish(&own, node, "current", &list);
        stage.now += 2 * HOUR;
        assert_eq!(pairs(&reconnect(&mut stage)), []);
        assert_eq!(stage.server.items(&own, node), [list]);
        assert!(!stage.users[0].client.is_published().unwrap());
    }
    let told = stage.users[0].notices.iter();
    let told = told.filter(|notice| matches!(notice, Notice::NotPublished { .. }));
    assert!(told.count() >= 2, "{:?}", stage.users[0].notices);
}

/// Only the node that was asked for says that it is empty.
#[test]
fn a_result_without_the_list_is_no_empty_list() {
    for result in [
        "",
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'/>",
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:data'/></pubsub>",
        "<query xmlns='jabber:iq:roster'/>",
    ] {
        let mut stage = alone();
        stage.server.tells_nobody = true;
        let own = stage.users[0].jid();
        let before = LISTS.map(|node| stage.server.items(&own, node));
        let store = Arc::new(MemoryStore::new());
        let new = stage.add_offline("juliet@capulet.example/phone", options(), store);
        stage.users[new].holds_requests = true;
        stage.connect(new);
        stage.settle();
        while !stage.users[new].requests.is_empty() {
            let now = stage.time();
            let request = stage.users[new].requests.remove(0);
            let is_list = LISTS.iter().any(|node| request.payload.contains(*node));
            let answer = if is_list {
                format!("<iq type='result' id='{}'>{result}</iq>", request.id)
            } else {
                let full = stage.users[new].full.clone();
                stage.server.answer(&full, &request).unwrap()
            };
            let client = &mut stage.users[new].client;
            client
                .answer(request.id, Answer::Stanza(&answer), now)
                .unwrap();
            stage.settle();
        }
        stage.wait(DAY);
        assert_eq!(LISTS.map(|node| stage.server.items(&own, node)), before);
        assert!(!stage.users[new].client.is_published().unwrap(), "{result}");
    }
}

/// Clients that name no item leave hundreds behind. Whichever of them a server thinks the newest, those
/// who name theirs `current` are found and stay on their list.
#[test]
fn current_counts_whatever_else_is_in_a_node() {
    for sorts_by_creation in [false, true] {
        let mut stage = Stage::new();
        stage.server.sorts_by_creation = sorts_by_creation;
        stage.server.tells_nobody = true;
        let romeo = stage.add("romeo@montague.example/orchard", options());
        let romeos = stage.users[romeo].jid();
        for node in LISTS {
            let real = stage.server.items(&romeos, node).remove(0);
            for number in 1..=3 {
                let name = if node.ends_with("devicelist") {
                    "list"
                } else {
                    "devices"
                };
                let namespace = node
                    .trim_end_matches(".devicelist")
                    .trim_end_matches(":devices");
                let old = format!("<{name} xmlns='{namespace}'><device id='4711'/></{name}>");
                let item = format!("old {number}");
                stage.server.publish(&romeos, node, &item, &old);
            }
            stage.server.publish(&romeos, node, "current", &real);
        }
        let juliet = stage.add("juliet@capulet.example/balcony", options());
        stage.say(juliet, romeos.as_str(), "<body>Romeo?</body>");
        assert_eq!(stage.users[romeo].bodies(), ["Romeo?"]);
        stage.now += 2 * HOUR;
        assert_eq!(pairs(&reconnect(&mut stage)), []);
    }
}

/// Whoever names his item otherwise is found too.
#[test]
fn the_newest_list_counts_where_none_is_current() {
    let mut stage = Stage::new();
    let romeo = stage.add("romeo@montague.example/orchard", options());
    let romeos = stage.users[romeo].jid();
    stage.server.tells_nobody = true;
    for node in LISTS {
        let real = stage.server.items(&romeos, node).remove(0);
        stage.server.forget(&romeos, node);
        stage
            .server
            .publish(&romeos, node, "his own name for it", &real);
    }
    let juliet = stage.add("juliet@capulet.example/balcony", options());
    stage.say(juliet, romeos.as_str(), "<body>Romeo?</body>");
    assert_eq!(stage.users[romeo].bodies(), ["Romeo?"]);
}

/// Whoever takes this device off the list again and again does not make it publish as often.
#[test]
fn it_is_put_back_on_the_list_with_pauses_that_grow() {
    let mut stage = alone();
    let own = stage.users[0].jid();
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let gone = "<devices xmlns='urn:xmpp:omemo:2'><device id='7'/></devices>";
        stage.server.publish(&own, LISTS[1], "current", gone);
        let start = stage.now;
        stage.settle();
        let is_back = |stage: &Stage| {
            let id = stage.users[0].client.account().device();
            let list = &stage.server.items(&own, LISTS[1])[0];
            assert!(list.contains("'7'"), "others stay");
            list.contains(&format!("'{id}'"))
        };
        while !is_back(&stage) {
            let wake_at = stage.users[0].wake_at.unwrap().as_millis();
            assert!(wake_at > stage.now, "it says when it is to be woken");
            stage.wait(wake_at - stage.now);
        }
        pauses.push((stage.now - start) / MINUTE);
    }
    // At once, the first time.
    assert_eq!(pauses, [0, 2, 4, 8, 16, 32], "minutes");
    // When it has been there for long enough, the next time is the first.
    stage.wait(2 * HOUR);
    reconnect(&mut stage);
    let gone = "<devices xmlns='urn:xmpp:omemo:2'/>";
    stage.server.publish(&own, LISTS[1], "current", gone);
    stage.settle();
    assert!(stage.server.items(&own, LISTS[1])[0].contains("<device "));
}

#[test]
fn a_node_that_is_configured_otherwise_is_configured_and_tried_once_more() {
    for condition in ["precondition-not-met", "conflict"] {
        let mut stage = Stage::new();
        stage.server.refusals = [condition.to_owned()].into();
        stage.add("juliet@capulet.example/balcony", only(Version::Omemo2));
        let bundles = "urn:xmpp:omemo:2:bundles";
        assert_eq!(
            pairs(&published(&stage, 0)),
            [
                ("publish", bundles),
                ("configure", bundles),
                ("publish", bundles),
                ("publish", LISTS[1])
            ]
        );
        assert!(stage.users[0].notices.is_empty());
    }
    let mut stage = Stage::new();
    stage.server.rule = Some(|xml| {
        let is_configured = xml.contains("<configure") || !xml.contains("devicelist");
        (!is_configured && xml.contains("<publish ")).then_some("precondition-not-met")
    });
    stage.add("juliet@capulet.example/balcony", only(Version::Legacy));
    let [bundle, _] = bundle_nodes(&stage);
    assert_eq!(
        pairs(&published(&stage, 0)),
        [
            ("publish", bundle.as_str()),
            ("publish", LISTS[0]),
            ("configure", LISTS[0]),
            ("publish", LISTS[0])
        ],
        "once more, and not for ever"
    );
    let notice = Notice::NotPublished {
        node: LISTS[0].to_owned(),
        condition: Some("precondition-not-met".to_owned()),
    };
    assert_eq!(stage.users[0].notices, [notice]);
}

#[test]
fn a_server_without_max_is_asked_for_fewer_items() {
    type Rule = fn(&str) -> Option<&'static str>;
    const LADDER: [&str; 4] = ["max", "1000", "100", "10"];
    let rules: [Rule; 4] = [
        |_| None,
        |xml| xml.contains("<value>max<").then_some("not-acceptable"),
        |xml| {
            let is_much = xml.contains("<value>max<") || xml.contains("<value>1000<");
            is_much.then_some("bad-request")
        },
        |xml| {
            let is_little = xml.contains("<value>10<") || !xml.contains("max_items'><value>");
            (!is_little).then_some("resource-constraint")
        },
    ];
    for (step, rule) in rules.into_iter().enumerate() {
        let mut stage = Stage::new();
        stage.server.rule = Some(rule);
        stage.add("juliet@capulet.example/balcony", only(Version::Omemo2));
        let tried: Vec<_> = stage
            .server
            .seen
            .iter()
            .filter_map(|xml| xml.split_once("max_items'><value>"))
            .map(|(_, rest)| rest.split_once('<').unwrap().0)
            .collect();
        assert_eq!(tried, LADDER[..=step]);
        assert_eq!(stage.server.items(&jid(JULIET), LISTS[1]).len(), 1);
        assert!(stage.users[0].notices.is_empty());
    }
    // None of them: the user is told, and nobody is sent to a device without a bundle.
    let mut stage = Stage::new();
    stage.server.rule = Some(|xml| xml.contains("bundles").then_some("policy-violation"));
    stage.add("juliet@capulet.example/balcony", only(Version::Omemo2));
    let notice = Notice::NotPublished {
        node: "urn:xmpp:omemo:2:bundles".to_owned(),
        condition: Some("policy-violation".to_owned()),
    };
    assert_eq!(stage.users[0].notices, [notice]);
    assert!(stage.server.items(&jid(JULIET), LISTS[1]).is_empty());
    // After the next connection it is tried again.
    stage.server.rule = None;
    assert_eq!(reconnect(&mut stage).len(), 2);
}

#[test]
fn a_bundle_is_published_again_when_a_pre_key_was_used() {
    for version in Version::ALL {
        let mut stage = Stage::new();
        stage.add("juliet@capulet.example/balcony", only(version));
        stage.add("romeo@montague.example/orchard", only(version));
        let own = stage.users[0].jid();
        let node = &bundle_nodes(&stage)[usize::from(version == Version::Omemo2)];
        let before = stage.server.items(&own, node);
        let since = stage.server.seen.len();
        stage.say(1, JULIET, &text("x"));
        let found = published(&stage, since);
        assert_eq!(pairs(&found), [("publish", node.as_str())]);
        let after = stage.server.items(&own, node);
        assert_ne!(before, after);
        let count = |bundle: &str| {
            bundle.matches("</preKeyPublic>").count() + bundle.matches("</pk>").count()
        };
        assert_eq!((count(&before[0]), count(&after[0])), (100, 100));
        // The second message uses none.
        let since = stage.server.seen.len();
        stage.say(1, JULIET, &text("y"));
        assert!(published(&stage, since).is_empty());
    }
}

/// What could not be published, as the stream was gone or the process died, is due again.
#[test]
fn a_publication_that_nobody_has_confirmed_is_due_again() {
    let mut stage = Stage::of_two();
    stage.users[0].holds_requests = true;
    stage.say(1, JULIET, &text("x"));
    let is_bundle = |xml: &str| xml.contains("<publish ") && xml.contains("bundles");
    assert!(
        stage.users[0]
            .requests
            .iter()
            .any(|held| is_bundle(&held.payload))
    );
    stage.crash(0);
    stage.users[0].holds_requests = false;
    let found = reconnect(&mut stage);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1.contains("bundles"));
}

#[test]
fn signed_pre_keys_rotate_at_the_end_of_a_catch_up() {
    let mut stage = alone();
    let nodes = bundle_nodes(&stage);
    let own = stage.users[0].jid();
    let spk = |stage: &Stage| {
        let bundle = &stage.server.items(&own, &nodes[1])[0];
        bundle[bundle.find("<spk ").unwrap()..bundle.find("</spk>").unwrap()].to_owned()
    };
    let first = spk(&stage);
    stage.wait(6 * DAY);
    let catch_up = |stage: &mut Stage| {
        let now = stage.time();
        let since = stage.server.seen.len();
        let client = &mut stage.users[0].client;
        let id = client.begin_catch_up(Order::OldestFirst, now).unwrap();
        client.end_catch_up(id, now).unwrap();
        stage.settle();
        published(stage, since)
    };
    assert!(catch_up(&mut stage).is_empty());
    stage.wait(2 * DAY);
    assert!(reconnect(&mut stage).is_empty(), "not before");
    let found = catch_up(&mut stage);
    let mut found = pairs(&found);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("publish", nodes[0].as_str()),
            ("publish", nodes[1].as_str())
        ]
    );
    assert_ne!(spk(&stage), first);
    stage.add("romeo@montague.example/orchard", options());
    stage.say(1, JULIET, &text("x"));
    assert_eq!(stage.users[0].bodies(), ["x"]);
}

/// Before anything was published, another device is found to have the id.
#[test]
fn a_device_id_that_is_taken_is_drawn_again() {
    for version in Version::ALL {
        let mut stage = Stage::new();
        let store = Arc::new(MemoryStore::new());
        stage.add_offline("juliet@capulet.example/balcony", options(), store);
        let taken = stage.users[0].client.account().device();
        let own = stage.users[0].jid();
        let (list, element) = match version {
            Version::Legacy => (LISTS[0], "list xmlns='eu.siacs.conversations.axolotl'"),
            Version::Omemo2 => (LISTS[1], "devices xmlns='urn:xmpp:omemo:2'"),
        };
        let (name, _) = element.split_once(' ').unwrap();
        let payload = format!("<{element}><device id='{taken}'/></{name}>");
        stage.server.publish(&own, list, "current", &payload);
        stage.connect(0);
        stage.settle();
        let drawn = stage.users[0].client.account().device();
        assert_ne!(drawn, taken);
        for node in LISTS {
            let listed = &stage.server.items(&own, node)[0];
            assert!(listed.contains(&format!("'{drawn}'")), "{listed}");
            let has_taken = listed.contains(&format!("'{taken}'"));
            assert_eq!(has_taken, node == list, "the other device stays: {listed}");
        }
        assert!(
            stage
                .server
                .items(
                    &own,
                    &format!("eu.siacs.conversations.axolotl.bundles:{taken}")
                )
                .is_empty()
        );
        stage.add("romeo@montague.example/orchard", options());
        stage.say(1, JULIET, &text("x"));
        assert_eq!(stage.users[0].bodies(), ["x"]);
    }
}

/// Once something was published under it, an id is kept: what is on the list is this device itself, also
/// while both of its bundles are to be published again.
#[test]
fn a_device_id_that_was_published_stays() {
    let mut stage = alone();
    let own = stage.users[0].jid();
    let id = stage.users[0].client.account().device();
    stage.wait(8 * DAY);
    stage.users[0].holds_requests = true;
    let now = stage.time();
    stage.users[0].client.maintain(now).unwrap();
    stage.settle();
    assert_eq!(
        stage.users[0].client.account().bundles_due().unwrap(),
        Version::ALL
    );
    for list in LISTS {
        let payload = stage.server.items(&own, list).remove(0);
        stage.server.publish(&own, list, "current", &payload);
    }
    stage.settle();
    assert_eq!(stage.users[0].client.account().device(), id);
}
