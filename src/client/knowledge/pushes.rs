//! Notifications of device lists (XEP-0163): which of them count.

use rand_core::TryCryptoRng;

use crate::account::AccountError;
use crate::client::Client;
use crate::model::{BareJid, DeviceList, Timestamp, Version};
use crate::stanza::{Items, Node, Source};

impl<R: TryCryptoRng> Client<R> {
    /// Takes in a notification of a node; whether it was one of OMEMO.
    pub(in crate::client) fn take_event(
        &mut self,
        xml: &str,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let Ok(Some(items)) = Items::read(xml) else {
            return Ok(false);
        };
        if !matches!(items.source, Source::Event | Source::Removal) {
            return Ok(false);
        }
        let Node::DeviceList(version) = items.node else {
            return Ok(true);
        };
        // A node is its account's: only the bare address itself speaks for it.
        let own = self.account.jid();
        let owner: Option<BareJid> = match items.from.as_deref() {
            None => Some(own.clone()),
            Some(from) => from.parse().ok(),
        };
        let Some(owner) = owner else {
            return Ok(true);
        };
        if !self.options.versions().any(|used| used == version) || !self.follows(&owner, version)? {
            return Ok(true);
        }
        let list = match items.source {
            Source::Removal => Some(DeviceList {
                version,
                devices: Vec::new(),
            }),
            _ => items.device_list().ok().flatten(),
        };
        if let Some(list) = list {
            if owner == *self.account.jid() {
                self.keep_extras(&owner, version, items.list_extras())?;
            }
            self.take_list(&owner, &list, now)?;
        }
        Ok(true)
    }

    /// Whether the lists of an account mean anything to us. A stranger's are not stored: anybody can send
    /// one.
    fn follows(&self, jid: &BareJid, version: Version) -> Result<bool, AccountError> {
        Ok(self.knowledge.subscribed.contains(jid)
            || self.account.is_accepted(jid)?
            || self.account.device_list_seen(jid, version)?.is_some())
    }
}
