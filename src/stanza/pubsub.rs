//! Nodes and what they hold (XEP-0060, XEP-0163; the nodes of XEP-0384 §5.3 and 0.3.0 §4).
//!
//! ```text
//! result:   <iq type='result'><pubsub><items node=''><item id=''>…</item>…</items></pubsub></iq>
//! event:    <message><event><items node=''><item id=''>…</item>…</items></event></message>
//!           <message><event><delete node=''/> or <purge node=''/></event></message>
//! publish:  <iq type='set'><pubsub><publish node=''><item id=''>…</item></publish></pubsub></iq>
//! ```

use core::fmt;
use std::borrow::Cow;

use super::tag::{Namespace, Tag};
use super::xml::{Reader, Scope};
use super::{
    Limit, MAX_ITEMS, StanzaError, parse_id, read_bundle, read_device_list, read_list_extras,
};
use crate::model::{Bundle, DeviceId, DeviceList, ListExtras, Version};

/// A node of OMEMO. [`Display`](fmt::Display) is its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// The device list of a version.
    DeviceList(Version),
    /// The bundle of one device: in legacy, each has a node.
    LegacyBundle(DeviceId),
    /// The bundles of all devices: in OMEMO 2, each has an item whose id is the device's.
    Omemo2Bundles,
}

impl Node {
    /// The node of that name, if it is one of OMEMO.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            LEGACY_DEVICES => Some(Self::DeviceList(Version::Legacy)),
            OMEMO2_DEVICES => Some(Self::DeviceList(Version::Omemo2)),
            OMEMO2_BUNDLES => Some(Self::Omemo2Bundles),
            _ => {
                let id = parse_id(name.strip_prefix(LEGACY_BUNDLE)?)?;
                DeviceId::new(id).map(Self::LegacyBundle)
            }
        }
    }

    /// The version to which it belongs.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::DeviceList(version) => version,
            Self::LegacyBundle(_) => Version::Legacy,
            Self::Omemo2Bundles => Version::Omemo2,
        }
    }

    /// The node for the bundle of a device.
    #[must_use]
    pub const fn of_bundle(version: Version, device: DeviceId) -> Self {
        match version {
            Version::Legacy => Self::LegacyBundle(device),
            Version::Omemo2 => Self::Omemo2Bundles,
        }
    }

    /// Whether several items are in it, so that their number has to be allowed.
    #[must_use]
    pub const fn has_many_items(self) -> bool {
        matches!(self, Self::Omemo2Bundles)
    }

    /// What a client has among its features (XEP-0115, XEP-0163 §4.3) to be told when a device list of
    /// that version changes.
    #[must_use]
    pub fn notify_feature(version: Version) -> String {
        format!("{}+notify", Self::DeviceList(version))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeviceList(Version::Legacy) => f.write_str(LEGACY_DEVICES),
            Self::DeviceList(Version::Omemo2) => f.write_str(OMEMO2_DEVICES),
            Self::LegacyBundle(device) => write!(f, "{LEGACY_BUNDLE}{device}"),
            Self::Omemo2Bundles => f.write_str(OMEMO2_BUNDLES),
        }
    }
}

/// The id of the only item of a node (XEP-0060 §12.20).
pub(super) const CURRENT: &str = "current";

const LEGACY_DEVICES: &str = "eu.siacs.conversations.axolotl.devicelist";
const LEGACY_BUNDLE: &str = "eu.siacs.conversations.axolotl.bundles:";
const OMEMO2_DEVICES: &str = "urn:xmpp:omemo:2:devices";
const OMEMO2_BUNDLES: &str = "urn:xmpp:omemo:2:bundles";

/// Items of a node of OMEMO, as a stanza showed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Items<'x> {
    /// What kind of stanza it was.
    pub source: Source,
    /// The `from` attribute of the stanza: whose node it is. Servers leave it out for our own account.
    pub from: Option<Cow<'x, str>>,
    /// The node.
    pub node: Node,
    /// The items, in the order of the stanza.
    pub items: Vec<Item<'x>>,
}

/// Stanzas that show items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The answer to a request for items: there are none but these, as far as was asked.
    Result,
    /// A notification of new items. Where items were retracted only, it shows none.
    Event,
    /// A notification that the node was emptied or deleted: it has no items any more.
    Removal,
    /// A request to publish an item.
    Publish,
}

/// An item of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'x> {
    /// Its id.
    pub id: Option<Cow<'x, str>>,
    /// Its first element as XML that stands on its own, if there is one. Well-formed, not yet read.
    pub payload: Option<Cow<'x, str>>,
}

impl Item<'_> {
    fn is_current(&self) -> bool {
        self.id.as_deref() == Some(CURRENT)
    }
}

impl<'x> Items<'x> {
    /// Reads a stanza that may show items of a node of OMEMO; `None` if it shows none such.
    ///
    /// # Errors
    /// [`StanzaError`].
    pub fn read(xml: &'x str) -> Result<Option<Self>, StanzaError> {
        let mut reader = Reader::new(xml, Scope::Stream)?;
        let root = reader.root()?;
        let mut found = None;
        while let Some(tag) = reader.child()? {
            match container(&root, &tag) {
                Some(container) if found.is_none() => {
                    found = read_container(&mut reader, container, &root)?;
                }
                _ => reader.skip()?,
            }
        }
        reader.finish()?;
        Ok(found)
    }

    /// The device list, if this is the node of one and there is an item.
    ///
    /// # Errors
    /// [`StanzaError`] if the item `current`, or else the newest, is no device list.
    pub fn device_list(&self) -> Result<Option<DeviceList>, StanzaError> {
        let Node::DeviceList(version) = self.node else {
            return Ok(None);
        };
        self.current()
            .map(|payload| read_device_list(version, payload))
            .transpose()
    }

    /// What the device list contains beside ids and signed labels; nothing if there is no list that can be
    /// read.
    #[must_use]
    pub fn list_extras(&self) -> ListExtras {
        let Node::DeviceList(version) = self.node else {
            return ListExtras::default();
        };
        let extras = self
            .current()
            .map(|payload| read_list_extras(version, payload));
        extras.and_then(Result::ok).unwrap_or_default()
    }

    /// The bundle of a device, if this is the node for it and there is an item.
    ///
    /// # Errors
    /// [`StanzaError`] if the item is no bundle.
    pub fn bundle(&self, device: DeviceId) -> Result<Option<Bundle>, StanzaError> {
        let payload = match self.node {
            Node::LegacyBundle(id) if id == device => self.current(),
            Node::Omemo2Bundles => self
                .bundles()
                .find_map(|(id, payload)| (id == device).then_some(payload)),
            _ => None,
        };
        payload
            .map(|payload| read_bundle(self.node.version(), payload))
            .transpose()
    }

    /// The devices whose bundles are here.
    pub fn bundle_devices(&self) -> impl Iterator<Item = DeviceId> {
        let legacy = match self.node {
            Node::LegacyBundle(device) if self.current().is_some() => Some(device),
            _ => None,
        };
        let omemo2 =
            (self.node == Node::Omemo2Bundles).then(|| self.bundles().map(|(device, _)| device));
        legacy.into_iter().chain(omemo2.into_iter().flatten())
    }

    /// Whether the item of a node for one item (XEP-0060 §12.20) is among them: `current`. If it is not,
    /// there may be one all the same where one item was asked for: ejabberd gives the one that was made
    /// last, although `current` was published again after that.
    #[must_use]
    pub fn has_current(&self) -> bool {
        self.items.iter().any(Item::is_current)
    }

    /// The payload of the item `current`. Some clients leave an item with another id at each publication;
    /// where there is no `current`, the last one counts, as servers send the oldest first as a rule.
    fn current(&self) -> Option<&str> {
        let current = self.items.iter().filter(|item| item.is_current());
        let last_of_all = self.items.iter().rev();
        current
            .chain(last_of_all)
            .find_map(|item| item.payload.as_deref())
    }

    fn bundles(&self) -> impl Iterator<Item = (DeviceId, &str)> {
        self.items.iter().rev().filter_map(|item| {
            let device = DeviceId::new(parse_id(item.id.as_deref()?)?)?;
            Some((device, item.payload.as_deref()?))
        })
    }
}

/// What a child of a stanza can contain that concerns us.
#[derive(Clone, Copy)]
enum Container {
    Result,
    Publish,
    Event,
}

fn container(root: &Tag<'_>, tag: &Tag<'_>) -> Option<Container> {
    if !root.namespace.is_of_stanzas() {
        return None;
    }
    // Requests for items have no items yet, and errors repeat requests.
    let kind = root.attribute("type");
    match (root.local(), kind.as_deref()) {
        ("iq", Some("result")) if tag.is(Namespace::PubSub, "pubsub") => Some(Container::Result),
        ("iq", Some("set")) if tag.is(Namespace::PubSub, "pubsub") => Some(Container::Publish),
        ("message", Some("error")) => None,
        ("message", _) if tag.is(Namespace::PubSubEvent, "event") => Some(Container::Event),
        _ => None,
    }
}

fn read_container<'x>(
    reader: &mut Reader<'x>,
    container: Container,
    root: &Tag<'x>,
) -> Result<Option<Items<'x>>, StanzaError> {
    let mut found = None;
    while let Some(tag) = reader.child()? {
        let node = tag.attribute("node");
        let node = node.and_then(|name| Node::from_name(&name));
        let source = match (container, tag.local()) {
            (Container::Result, "items") => Some(Source::Result),
            (Container::Publish, "publish") => Some(Source::Publish),
            (Container::Event, "items") => Some(Source::Event),
            (Container::Event, "delete" | "purge") => Some(Source::Removal),
            _ => None,
        };
        match (source, node) {
            (Some(source), Some(node)) if found.is_none() && is_of_pubsub(&tag) => {
                found = Some(Items {
                    source,
                    from: root.attribute("from"),
                    node,
                    items: read_items(reader)?,
                });
            }
            _ => reader.skip()?,
        }
    }
    Ok(found)
}

fn read_items<'x>(reader: &mut Reader<'x>) -> Result<Vec<Item<'x>>, StanzaError> {
    let mut items = Vec::new();
    while let Some(tag) = reader.child()? {
        if !is_of_pubsub(&tag) || tag.local() != "item" {
            reader.skip()?;
            continue;
        }
        if items.len() >= MAX_ITEMS {
            return Err(Limit::Items.into());
        }
        let mut payload = None;
        while let Some(tag) = reader.child()? {
            if payload.is_none() {
                payload = Some(reader.element(&tag)?);
            } else {
                reader.skip()?;
            }
        }
        let id = tag.attribute("id");
        items.push(Item { id, payload });
    }
    Ok(items)
}

const fn is_of_pubsub(tag: &Tag<'_>) -> bool {
    matches!(tag.namespace, Namespace::PubSub | Namespace::PubSubEvent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICES: &str = "<devices xmlns='urn:xmpp:omemo:2'><device id='1'/></devices>";

    fn result(node: &str, items: &str) -> Items<'static> {
        let xml = format!(
            "<iq type='result' from='juliet@a'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
             <items node='{node}'>{items}</items></pubsub></iq>"
        );
        Items::read(xml.leak()).unwrap().unwrap()
    }

    #[test]
    fn names_of_nodes() {
        let device = DeviceId::new(27183).unwrap();
        for node in [
            Node::DeviceList(Version::Legacy),
            Node::DeviceList(Version::Omemo2),
            Node::LegacyBundle(device),
            Node::Omemo2Bundles,
        ] {
            assert_eq!(Node::from_name(&node.to_string()), Some(node));
            assert!(node.to_string().starts_with(node.version().namespace()));
        }
        for other in [
            "urn:xmpp:omemo:1:devices",
            "eu.siacs.conversations.axolotl.bundles:",
            "eu.siacs.conversations.axolotl.bundles:0",
            "eu.siacs.conversations.axolotl.bundles:x",
            "",
        ] {
            assert_eq!(Node::from_name(other), None, "{other}");
        }
    }

    #[test]
    fn the_item_named_current_counts_and_without_it_the_last() {
        let items = result(
            "urn:xmpp:omemo:2:devices",
            &format!(
                "<item id='current'>{DEVICES}</item><item><x xmlns='y'/></item><item id='z'/>"
            ),
        );
        assert!(items.has_current());
        assert_eq!(items.device_list().unwrap().unwrap().devices.len(), 1);

        let items = result(
            "urn:xmpp:omemo:2:devices",
            &format!("<item id='old'><x xmlns='y'/></item><item>{DEVICES}</item><item id='z'/>"),
        );
        assert!(!items.has_current());
        assert_eq!(items.source, Source::Result);
        assert_eq!(items.from.as_deref(), Some("juliet@a"));
        let ids: Vec<_> = items.items.iter().map(|item| item.id.as_deref()).collect();
        assert_eq!(ids, [Some("old"), None, Some("z")]);
        let list = items.device_list().unwrap().unwrap();
        assert_eq!(list.devices.len(), 1);
        assert_eq!(items.bundle(DeviceId::new(1).unwrap()), Ok(None));

        let empty = result("urn:xmpp:omemo:2:devices", "");
        assert_eq!(empty.device_list(), Ok(None));
        let wrong = result(
            "eu.siacs.conversations.axolotl.devicelist",
            &format!("<item>{DEVICES}</item>"),
        );
        assert_eq!(wrong.device_list(), Err(StanzaError::missing("list")));
    }

    #[test]
    fn bundles_are_found_by_node_or_by_item() {
        let (one, two) = (DeviceId::new(1).unwrap(), DeviceId::new(2).unwrap());
        let bundle = "<bundle xmlns='eu.siacs.conversations.axolotl'/>";
        let legacy = result(
            "eu.siacs.conversations.axolotl.bundles:1",
            &format!("<item id='current'>{bundle}</item>"),
        );
        assert_eq!(legacy.bundle_devices().collect::<Vec<_>>(), [one]);
        assert_eq!(legacy.bundle(two), Ok(None));
        let error = StanzaError::missing("signedPreKeyPublic");
        assert_eq!(legacy.bundle(one), Err(error));

        let bundle = "<bundle xmlns='urn:xmpp:omemo:2'/>";
        let omemo2 = result(
            "urn:xmpp:omemo:2:bundles",
            &format!("<item id='x'>{bundle}</item><item id='2'>{bundle}</item><item id='1'/>"),
        );
        assert_eq!(omemo2.bundle_devices().collect::<Vec<_>>(), [two]);
        assert_eq!(omemo2.bundle(one), Ok(None));
        assert_eq!(omemo2.bundle(two), Err(StanzaError::missing("spk")));
        assert_eq!(omemo2.device_list(), Ok(None));
    }

    #[test]
    fn a_payload_keeps_the_declarations_around_it() {
        let items = result(
            "urn:xmpp:omemo:2:devices",
            "<item xmlns:o='urn:xmpp:omemo:2'><o:devices><o:device id='5'/></o:devices></item>",
        );
        let list = items.device_list().unwrap().unwrap();
        assert_eq!(list.devices[0].id.get(), 5);
    }

    #[test]
    fn events_and_publications() {
        let event = |inside: &str| {
            let xml = format!(
                "<message from='juliet@a'><event xmlns='http://jabber.org/protocol/pubsub#event'>\
                 {inside}</event></message>"
            );
            Items::read(xml.leak()).unwrap()
        };
        let node = "node='urn:xmpp:omemo:2:devices'";
        let items = event(&format!(
            "<items {node}><item id='current'>{DEVICES}</item></items>"
        ));
        let items = items.unwrap();
        assert_eq!(items.source, Source::Event);
        assert!(items.device_list().unwrap().is_some());
        let items = event(&format!("<items {node}><retract id='current'/></items>")).unwrap();
        assert_eq!(
            (items.source, items.device_list()),
            (Source::Event, Ok(None))
        );
        for gone in ["delete", "purge"] {
            let items = event(&format!("<{gone} {node}/>")).unwrap();
            assert_eq!((items.source, items.items.len()), (Source::Removal, 0));
        }
        assert_eq!(event("<items node='urn:xmpp:mood'/>"), None);

        let publish = format!(
            "<iq type='set'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
             <publish {node}><item id='current'>{DEVICES}</item></publish>\
             <publish-options/></pubsub></iq>"
        );
        let items = Items::read(&publish).unwrap().unwrap();
        assert_eq!((items.source, items.items.len()), (Source::Publish, 1));
        for other in ["get", "error", "result"] {
            let xml = publish.replace("'set'", &format!("'{other}'"));
            assert_eq!(Items::read(&xml), Ok(None), "{other}");
        }
        for other in ["<presence/>", "<message/>", "<iq type='result'/>"] {
            assert_eq!(Items::read(other), Ok(None), "{other}");
        }
    }

    #[test]
    fn items_are_counted() {
        let items = |count: usize| {
            let xml = format!(
                "<iq type='result'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
                 <items node='urn:xmpp:omemo:2:devices'>{}</items></pubsub></iq>",
                "<item/>".repeat(count)
            );
            Items::read(&xml).map(|items| items.unwrap().items.len())
        };
        assert_eq!(items(MAX_ITEMS), Ok(MAX_ITEMS));
        assert_eq!(items(MAX_ITEMS + 1), Err(Limit::Items.into()));
    }
}
