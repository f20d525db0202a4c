//! Requests to nodes: what goes into an `<iq/>` (XEP-0060; XEP-0384 §5.3, 0.3.0 §4).
//!
//! ```text
//! publish:    <pubsub><publish node=''><item id=''>…</item></publish>
//!               <publish-options><x>access_model, persist_items, max_items</x></publish-options></pubsub>
//! configure:  <pubsub xmlns='…#owner'><configure node=''><x>the same</x></configure></pubsub>
//! fetch:      <pubsub><items node='' max_items='1'/></pubsub>
//!             <pubsub><items node=''><item id=''/></items></pubsub>
//! remove:     <pubsub><retract node='' notify='true'><item id=''/></retract></pubsub>
//!             <pubsub xmlns='…#owner'><delete node=''/></pubsub>
//! ```

use core::fmt;

use super::node::CURRENT;
use super::writer::{Attribute, Writer};
use super::{Node, StanzaError, write_bundle, write_list_with_extras};
use crate::model::{Bundle, DeviceId, DeviceList, ListExtras, Version};

/// A request: the `type` of the `<iq/>`, and what goes into it. The `id` is the sender's.
///
/// What is set, and what is fetched from our own account, goes to our own account: without a `to`.
/// What is fetched from a contact goes to the bare address of the contact.
///
/// A publication is refused with `precondition-not-met` if the node exists and is configured
/// differently: then [`configure`](Self::configure) it, and publish once more. Servers that do not know
/// `max` as a number of items refuse the publication, or the configuration, of OMEMO 2 bundles in other
/// ways: then take [`MaxItems::lower`]. Where no number is taken, as ejabberd's publish-options (23.01)
/// do not know the field, publish without one, then configure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The `type` of the `<iq/>`.
    pub kind: RequestKind,
    /// The element in the `<iq/>`.
    pub payload: String,
}

/// The `type` of an `<iq/>` that asks for something. [`Display`](fmt::Display) is its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// `get`.
    Get,
    /// `set`.
    Set,
}

/// How many items the node of OMEMO 2 bundles may have: one for each device. [`Display`](fmt::Display)
/// is the value in a form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxItems {
    /// As many as the server allows, which XEP-0384 §5.3.2 demands.
    #[default]
    Max,
    /// 1000.
    Thousand,
    /// 100.
    Hundred,
    /// 10.
    Ten,
}

impl MaxItems {
    /// What to ask for where a server refused this; `None` below 10.
    #[must_use]
    pub const fn lower(self) -> Option<Self> {
        match self {
            Self::Max => Some(Self::Thousand),
            Self::Thousand => Some(Self::Hundred),
            Self::Hundred => Some(Self::Ten),
            Self::Ten => None,
        }
    }
}

impl Request {
    /// Publishes the device list of our account.
    ///
    /// ```
    /// use omemo::model::{Device, DeviceId, DeviceList, Version};
    /// use omemo::stanza::Request;
    ///
    /// let id = DeviceId::new(31415).ok_or("not 0")?;
    /// let devices = vec![Device { id, label: None }];
    /// let request = Request::publish_device_list(&DeviceList { version: Version::Omemo2, devices });
    /// let iq = format!("<iq type='{}' id='a1'>{}</iq>", request.kind, request.payload);
    /// assert!(iq.starts_with(
    ///     "<iq type='set' id='a1'><pubsub xmlns='http://jabber.org/protocol/pubsub'>\
    ///      <publish node='urn:xmpp:omemo:2:devices'><item id='current'>\
    ///      <devices xmlns='urn:xmpp:omemo:2'><device id='31415'/></devices></item></publish>"
    /// ));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn publish_device_list(list: &DeviceList) -> Self {
        Self::republish_device_list(list, &ListExtras::default())
    }

    /// Publishes the device list of our account again, with what others have written into it.
    #[must_use]
    pub fn republish_device_list(list: &DeviceList, extras: &ListExtras) -> Self {
        let node = Node::DeviceList(list.version);
        publish(node, &CURRENT, &write_list_with_extras(list, extras), None)
    }

    /// Publishes the bundle of one of our devices. `max_items` counts in OMEMO 2 only, where all devices
    /// share a node; `None` leaves it to the node.
    ///
    /// # Errors
    /// Those of [`write_bundle`].
    pub fn publish_bundle(
        device: DeviceId,
        bundle: &Bundle,
        max_items: Option<MaxItems>,
    ) -> Result<Self, StanzaError> {
        let node = Node::of_bundle(bundle.version, device);
        let item: &dyn fmt::Display = match bundle.version {
            Version::Legacy => &CURRENT,
            Version::Omemo2 => &device,
        };
        Ok(publish(node, item, &write_bundle(bundle)?, max_items))
    }

    /// Configures a node of ours as publishing demands it (XEP-0060 §8.2). `max_items` is as for
    /// [`publish_bundle`](Self::publish_bundle).
    #[must_use]
    pub fn configure(node: Node, max_items: MaxItems) -> Self {
        request(RequestKind::Set, PUBSUB_OWNER, |writer| {
            writer.element("configure", &[("node", &node)], |writer| {
                form(writer, CONFIGURATION, node, Some(max_items));
            });
        })
    }

    /// Asks for the device list of an account: the newest one, as some nodes have hundreds of items. If
    /// what comes is not [`current`](super::Items::has_current), ask
    /// [for that](Self::fetch_current_device_list) too.
    #[must_use]
    pub fn fetch_device_list(version: Version) -> Self {
        fetch_newest(Node::DeviceList(version))
    }

    /// Asks for the item `current` of the node of a device list: the list of every client that names its
    /// item.
    #[must_use]
    pub fn fetch_current_device_list(version: Version) -> Self {
        fetch_item(Node::DeviceList(version), &CURRENT)
    }

    /// Asks for the bundle of a device of an account.
    #[must_use]
    pub fn fetch_bundle(version: Version, device: DeviceId) -> Self {
        let node = Node::of_bundle(version, device);
        match version {
            Version::Legacy => fetch_newest(node),
            Version::Omemo2 => fetch_item(node, &device),
        }
    }

    /// Takes the bundle of one of our devices away: its node in legacy, its item in OMEMO 2. The device
    /// is taken off the list by publishing a list without it.
    #[must_use]
    pub fn remove_bundle(version: Version, device: DeviceId) -> Self {
        let node = Node::of_bundle(version, device);
        match version {
            Version::Legacy => request(RequestKind::Set, PUBSUB_OWNER, |writer| {
                writer.empty("delete", &[("node", &node)]);
            }),
            Version::Omemo2 => request(RequestKind::Set, PUBSUB, |writer| {
                writer.element(
                    "retract",
                    &[("node", &node), ("notify", &"true")],
                    |writer| writer.empty("item", &[("id", &device)]),
                );
            }),
        }
    }
}

fn publish(
    node: Node,
    item: &dyn fmt::Display,
    payload: &str,
    max_items: Option<MaxItems>,
) -> Request {
    request(RequestKind::Set, PUBSUB, |writer| {
        writer.element("publish", &[("node", &node)], |writer| {
            writer.element("item", &[("id", item)], |writer| writer.raw(payload));
        });
        writer.element("publish-options", &[], |writer| {
            form(writer, OPTIONS, node, max_items);
        });
    })
}

fn fetch_newest(node: Node) -> Request {
    request(RequestKind::Get, PUBSUB, |writer| {
        writer.empty("items", &[("node", &node), ("max_items", &1)]);
    })
}

fn fetch_item(node: Node, id: &dyn fmt::Display) -> Request {
    request(RequestKind::Get, PUBSUB, |writer| {
        writer.element("items", &[("node", &node)], |writer| {
            writer.empty("item", &[("id", id)]);
        });
    })
}

fn request(kind: RequestKind, namespace: &str, inside: impl FnOnce(&mut Writer)) -> Request {
    let mut writer = Writer::default();
    writer.element("pubsub", &[("xmlns", &namespace)], inside);
    let payload = writer.into_xml();
    Request { kind, payload }
}

/// Readable for everybody, kept when nobody is online, and with room for all devices.
fn form(writer: &mut Writer, kind: &'static str, node: Node, max_items: Option<MaxItems>) {
    let attributes: [Attribute<'_>; 2] = [("xmlns", &"jabber:x:data"), ("type", &"submit")];
    writer.element("x", &attributes, |writer| {
        let of_kind: [Attribute<'_>; 2] = [("var", &"FORM_TYPE"), ("type", &"hidden")];
        writer.element("field", &of_kind, |writer| {
            writer.text("value", &[], kind);
        });
        let mut field = |name: &'static str, value: &str| {
            writer.element("field", &[("var", &name)], |writer| {
                writer.text("value", &[], value);
            });
        };
        field("pubsub#persist_items", "true");
        field("pubsub#access_model", "open");
        if let Some(max_items) = max_items.filter(|_| node.has_many_items()) {
            field("pubsub#max_items", &max_items.to_string());
        }
    });
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get",
            Self::Set => "set",
        })
    }
}

impl fmt::Display for MaxItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Max => "max",
            Self::Thousand => "1000",
            Self::Hundred => "100",
            Self::Ten => "10",
        })
    }
}

const PUBSUB: &str = "http://jabber.org/protocol/pubsub";
const PUBSUB_OWNER: &str = "http://jabber.org/protocol/pubsub#owner";
const OPTIONS: &str = "http://jabber.org/protocol/pubsub#publish-options";
const CONFIGURATION: &str = "http://jabber.org/protocol/pubsub#node_config";
