//! Device lists.

use super::{DeviceId, Version};
use crate::crypto::ed25519::Signature;

/// The devices that an account announces for one version (XEP-0384 §5.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceList {
    /// The version that these devices say they speak.
    pub version: Version,
    /// The devices, each id once.
    pub devices: Vec<Device>,
}

/// One entry of a device list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The device's id.
    pub id: DeviceId,
    /// What its user calls it. OMEMO 2 only; an unsigned label is dropped where it is read.
    pub label: Option<Label>,
}

/// A device's name with the signature that it needs to be shown (XEP-0384 §5.3.1).
///
/// The signature is *not* verified yet: that takes the device's identity key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The name, as it was signed.
    pub text: String,
    /// The identity key's signature over the UTF-8 bytes of the name.
    pub signature: Signature,
}
