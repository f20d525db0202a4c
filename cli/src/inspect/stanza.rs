//! XML: a whole stanza, or an element of OMEMO.

use omemo::model::Version;
use omemo::stanza::{Items, Message, Node};

use super::outline::{Element, Outline};
use super::{bundle, device_list, message};
use crate::name_of;
use crate::page::Page;

/// Explains everything of OMEMO that is in the text, however deep.
pub fn explain(page: &mut Page, text: &str) {
    let outline = Outline::read(text);
    let Some(root) = outline.root() else {
        return page.problem(outline.error.as_deref().unwrap_or("there is no element"));
    };
    let is_stanza = ["message", "iq"].contains(&root.name.as_str());
    if is_stanza {
        explain_root(page, root);
    }
    let mut found = false;
    for (place, element) in outline.elements() {
        found |= explain_node(page, &outline, place, element)
            || explain_element(page, &outline, place, element);
    }
    if is_stanza {
        explain_company(page, &outline);
    }
    if let Some(error) = &outline.error {
        page.problem(error);
    }
    if !found {
        page.problem(
            "there is nothing of OMEMO in it: no <encrypted/>, <bundle/>, <list/> or <devices/> of \
             eu.siacs.conversations.axolotl or urn:xmpp:omemo:2",
        );
    } else if is_stanza && page.problems() == 0 {
        // What is wrong with the stanza as a whole, and not with a part of it.
        let source = outline.source(0);
        let verdict = Message::list(&source)
            .map(|_| ())
            .and_then(|()| Items::read(&source).map(|_| ()));
        if let Err(error) = verdict {
            page.problem(format_args!("the library refuses this stanza: {error}"));
        }
    }
}

fn explain_root(page: &mut Page, root: &Element) {
    page.heading(format_args!("Stanza <{}/>", root.name));
    for name in ["type", "from", "to", "id"] {
        if let Some(value) = root.attribute(name) {
            page.field(name, value);
        }
    }
}

/// Explains an element that names a node of OMEMO.
fn explain_node(page: &mut Page, outline: &Outline<'_>, place: usize, element: &Element) -> bool {
    let node = element.attribute("node").and_then(Node::from_name);
    let Some(node) = node.filter(|_| element.namespace.starts_with(PUBSUB)) else {
        return false;
    };
    page.heading(format_args!("Node, in <{}/>", element.name));
    page.field("node", node);
    let about = match node {
        Node::DeviceList(version) => format!("the devices that speak {}", name_of(version)),
        Node::LegacyBundle(device) => format!(
            "the bundle of device {device}, {}",
            name_of(Version::Legacy)
        ),
        Node::Omemo2Bundles => format!("the bundles of all devices, {}", name_of(Version::Omemo2)),
    };
    page.field("", about);
    let mut items = 0;
    for (_, item) in outline
        .children(place)
        .filter(|(_, item)| item.name == "item")
    {
        items += 1;
        let about = match node {
            Node::Omemo2Bundles => "  the device",
            _ => "",
        };
        page.field(
            "item id",
            format!("{}{about}", item.attribute("id").unwrap_or("not there")),
        );
    }
    page.field("items", items);
    true
}

const PUBSUB: &str = "http://jabber.org/protocol/pubsub";

/// Explains an element of OMEMO that is not part of another one.
fn explain_element(
    page: &mut Page,
    outline: &Outline<'_>,
    place: usize,
    element: &Element,
) -> bool {
    let Some(version) = Version::from_namespace(&element.namespace) else {
        if element.namespace == "urn:xmpp:omemo:1" {
            page.problem(format_args!(
                "<{}/> is of urn:xmpp:omemo:1, which was replaced before clients spoke it",
                element.name
            ));
        }
        return false;
    };
    match (version, element.name.as_str()) {
        (_, "encrypted") => message::explain(page, version, outline, place),
        (_, "bundle") => bundle::explain(page, version, outline, place),
        (Version::Legacy, "list") | (Version::Omemo2, "devices") => {
            device_list::explain(page, version, outline, place);
        }
        _ => return false,
    }
    true
}

/// What should be, and what should not be, beside encrypted content.
fn explain_company(page: &mut Page, outline: &Outline<'_>) {
    let child = |name: &str, namespace: &str| {
        let mut children = outline.children(0);
        children.any(|(_, child)| child.name == name && child.namespace == namespace)
    };
    let encrypted: Vec<_> = outline
        .children(0)
        .filter(|(_, child)| child.name == "encrypted")
        .filter_map(|(_, child)| Version::from_namespace(&child.namespace))
        .collect();
    if encrypted.is_empty() {
        return;
    }
    page.heading("Beside it");
    for (_, hint) in outline.children(0) {
        if hint.name == "encryption" && hint.namespace == "urn:xmpp:eme:0" {
            let namespace = hint.attribute("namespace").unwrap_or("nothing");
            page.field("<encryption/>", format!("names {namespace}"));
        }
    }
    let has_body = outline.children(0).any(|(_, child)| child.name == "body");
    page.field(
        "<body/>",
        if has_body {
            "there, for clients without OMEMO"
        } else {
            "none"
        },
    );
    if has_body && encrypted.contains(&Version::Omemo2) {
        page.note("XEP-0420 wants no <body/> beside OMEMO 2; readers must ignore it");
    }
    if child("store", "urn:xmpp:hints") {
        page.field("<store/>", "there: servers keep it for who is offline");
    } else {
        page.note("there is no <store/> hint: a server may not keep it for who is offline");
    }
}
