//! What others have written into a device list.

use std::collections::BTreeMap;

use super::DeviceId;

/// What a device list contains beside ids and signed labels: labels without a signature, attributes and elements
/// that no specification knows. Whoever publishes the list again keeps them for the devices that they are of.
///
/// They are elements of XML, each standing on its own; nothing in this crate shows or uses what is in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListExtras {
    /// The whole entry of each device whose entry has more in it than is read.
    pub devices: BTreeMap<DeviceId, String>,
    /// Elements beside the entries.
    pub others: Vec<String>,
}

impl ListExtras {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty() && self.others.is_empty()
    }
}
