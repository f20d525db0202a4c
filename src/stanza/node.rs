//! The nodes of OMEMO (XEP-0384 §5.3; 0.3.0 §4).

use core::fmt;

use super::parse_id;
use crate::model::{DeviceId, Version};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
