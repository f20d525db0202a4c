//! What a client publishes.

use super::stage::{Stage, options};

/// The nodes of device lists.
pub(crate) const LISTS: [&str; 2] = [
    "eu.siacs.conversations.axolotl.devicelist",
    "urn:xmpp:omemo:2:devices",
];

/// The nodes of the first user's bundles.
pub(crate) fn bundle_nodes(stage: &Stage) -> [String; 2] {
    let device = stage.users[0].client.account().device();
    [
        format!("eu.siacs.conversations.axolotl.bundles:{device}"),
        "urn:xmpp:omemo:2:bundles".to_owned(),
    ]
}

/// What was published since then: verbs and nodes.
pub(crate) fn published(stage: &Stage, since: usize) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for xml in &stage.server.seen[since..] {
        let document = roxmltree::Document::parse(xml).unwrap();
        let root = document.root_element();
        if root.attribute("type") == Some("set") {
            let verb = root.descendants().nth(2).unwrap();
            let name = verb.tag_name().name().to_owned();
            found.push((name, verb.attribute("node").unwrap().to_owned()));
        }
    }
    found
}

/// Juliet, and nobody else.
pub(crate) fn alone() -> Stage {
    let mut stage = Stage::new();
    stage.add("juliet@capulet.example/balcony", options());
    stage
}

/// What the first user publishes after a new connection.
pub(crate) fn reconnect(stage: &mut Stage) -> Vec<(String, String)> {
    let since = stage.server.seen.len();
    stage.disconnect(0);
    stage.connect(0);
    stage.settle();
    published(stage, since)
}
