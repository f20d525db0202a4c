//! A server whose publish-options do not know the number of items, as those of ejabberd 23.01.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says no by panicking"
)]

use std::sync::Arc;

use omemo::account::TrustPolicy;
use omemo::client::{Action, Answer, Client, Notice, Options};
use omemo::model::Timestamp;
use omemo::store::MemoryStore;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Answers everything that a new device asks; what the server makes of each number of items in a
/// configuration is for the test to say. Gives what was published and configured, and the notices.
fn announce(takes: impl Fn(&str) -> bool) -> (Vec<String>, Vec<Notice>, bool) {
    let store = Arc::new(MemoryStore::new());
    let options = Options::new(TrustPolicy::BlindUntilVerified);
    let mut client = Client::open(
        store,
        "juliet@capulet.example".parse().unwrap(),
        options,
        NOW,
    )
    .unwrap();
    client.connected(NOW).unwrap();
    let (mut taken, mut notices) = (Vec::new(), Vec::new());
    while let Some(action) = client.next_action() {
        match action {
            Action::Request(request) => {
                let number = request.payload.split("pubsub#max_items'><value>").nth(1);
                let number = number.and_then(|rest| rest.split('<').next());
                let error = if request.payload.contains("<publish ") {
                    number.map(|_| "resource-constraint")
                } else if request.payload.contains("<configure ") {
                    (!takes(number.unwrap())).then_some("not-acceptable")
                } else {
                    Some("item-not-found")
                };
                let answer = match error {
                    Some(condition) => format!(
                        "<iq type='error' id='{}'><error type='wait'>\
                         <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                        request.id
                    ),
                    None => {
                        taken.push(request.payload.clone());
                        format!("<iq type='result' id='{}'/>", request.id)
                    }
                };
                client
                    .answer(request.id, Answer::Stanza(&answer), NOW)
                    .unwrap();
            }
            Action::Notice(notice) => notices.push(notice),
            _ => {}
        }
    }
    (taken, notices, client.is_published().unwrap())
}

#[test]
fn the_node_is_published_without_a_number_and_configured_after_it() {
    let (taken, notices, is_published) = announce(|number| number == "100");
    assert!(is_published && notices.is_empty(), "{notices:?}");
    let of_bundles: Vec<_> = taken
        .iter()
        .filter(|payload| payload.contains("node='urn:xmpp:omemo:2:bundles'"))
        .collect();
    let [published, configured] = of_bundles.as_slice() else {
        panic!("{of_bundles:?}");
    };
    assert!(published.contains("<publish ") && published.contains("<value>open</value>"));
    assert!(configured.contains("<configure ") && configured.contains("<value>100</value>"));
}

#[test]
fn a_node_that_cannot_be_configured_is_published_all_the_same() {
    let (taken, notices, is_published) = announce(|_| false);
    assert!(is_published && notices.is_empty(), "{notices:?}");
    // Two bundles and two lists.
    assert_eq!(taken.len(), 4, "{taken:?}");
}
