//! The remote device, as the vectors write it.

use omemo::crypto::IdentityKey;
use omemo::model::{BareJid, DeviceId, Version};
use serde::Deserialize;

use super::bytes::{Hex, Key, same};
use super::device::Device;

/// The first remote device of a conversation.
#[derive(Debug, Deserialize)]
pub(super) struct Sender {
    jid: String,
    device_id: u32,
    identity: PublicIdentity,
}

#[derive(Debug, Deserialize)]
struct PublicIdentity {
    wire: Hex,
    curve25519_public: Key,
    ed25519_public: Key,
}

/// Where messages come from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) account: BareJid,
    pub(super) device: DeviceId,
}

impl Sender {
    pub(super) fn origin(&self) -> Result<Origin, String> {
        Ok(Origin {
            account: account(&self.jid)?,
            device: DeviceId::new(self.device_id).ok_or("the sender's device id is 0")?,
        })
    }

    /// The identity key, if all that the file says of it agrees.
    pub(super) fn identity(&self, version: Version) -> Result<IdentityKey, String> {
        let problem = |error| format!("identity of the sender: {error}");
        let identity = &self.identity;
        let wire = version.decode_identity(&identity.wire.0).map_err(problem)?;
        let edwards = IdentityKey::from_ed25519(&identity.ed25519_public.0).map_err(problem)?;
        for (form, key) in [("on the wire", wire), ("in Ed25519", edwards)] {
            same(
                &format!("Curve25519 form of the sender's identity {form}"),
                &identity.curve25519_public.0,
                key.to_curve25519().as_bytes(),
            )?;
        }
        Ok(wire)
    }
}

/// Whether the device talks to whom it should, if it has talked to anybody yet.
pub(super) fn check_pinned(device: &Device, sender: &IdentityKey) -> Result<(), String> {
    match device.pinned() {
        Some(pinned) => same(
            "identity of the sender",
            sender.as_bytes(),
            pinned.as_bytes(),
        ),
        None => Ok(()),
    }
}

/// An address in a file.
pub(super) fn account(jid: &str) -> Result<BareJid, String> {
    jid.parse().map_err(|error| format!("{jid}: {error}"))
}
