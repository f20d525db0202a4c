//! Nodes and what they hold (XEP-0060, XEP-0163; the nodes of XEP-0384 §5.3 and 0.3.0 §4).
//!
//! ```text
//! result:   <iq type='result'><pubsub><items node=''><item id=''>…</item>…</items></pubsub></iq>
//! event:    <message><event><items node=''><item id=''>…</item>…</items></event></message>
//!           <message><event><delete node=''/> or <purge node=''/></event></message>
//! publish:  <iq type='set'><pubsub><publish node=''><item id=''>…</item></publish></pubsub></iq>
//! ```

use std::borrow::Cow;

use super::node::CURRENT;
use super::tag::{Namespace, Tag};
use super::xml::{Reader, Scope};
use super::{
    Limit, MAX_ITEMS, Node, StanzaError, parse_id, read_bundle, read_device_list, read_list_extras,
};
use crate::model::{Bundle, DeviceId, DeviceList, ListExtras};

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
mod tests;
