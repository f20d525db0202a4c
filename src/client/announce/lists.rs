//! The account's own device lists: what the server says of them, and publishing them with this device.

use rand_core::TryCryptoRng;

use crate::account::{AccountError, Opening};
use crate::client::Client;
use crate::client::knowledge::Resource;
use crate::client::requests::{Publication, Purpose};
use crate::model::{DeviceList, Timestamp, Version};
use crate::stanza::{IqAnswer, Node, Request};

/// What is known of one of the account's own lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum OwnList {
    /// The server was not asked on this stream, or has not answered yet.
    Unasked,
    /// The server has said who is on it.
    Known,
    /// Nobody can say who is on it: this device is not put on it, and may not be there.
    Missing,
}

impl<R: TryCryptoRng> Client<R> {
    /// What the server has said, on this stream, of an own list.
    pub(in crate::client) fn own_list(&self, version: Version) -> OwnList {
        let list = self.own_list_resource(version);
        let table = self.knowledge.table();
        if table.is_seen(&list) {
            OwnList::Known
        } else if table.has_failed(&list) {
            OwnList::Missing
        } else {
            OwnList::Unasked
        }
    }

    pub(super) fn own_list_resource(&self, version: Version) -> Resource {
        Resource::List(self.account.jid().clone(), version)
    }

    /// When an own list that did not come is asked for again: without it this device is not announced.
    pub(in crate::client) fn own_list_retry(&self) -> Option<Timestamp> {
        let missing = self.options.versions().filter(|_| self.is_connected);
        let missing = missing.filter(|version| self.own_list(*version) == OwnList::Missing);
        let table = self.knowledge.table();
        let times = missing.map(|version| self.own_list_resource(version));
        times.filter_map(|list| table.retry_at(&list)).min()
    }

    /// Whether another device of the account has this device's id, and nothing was published under it
    /// yet by this one (XEP-0384 §4.1).
    pub(in crate::client) fn is_device_id_taken(&self, list: &DeviceList) -> bool {
        let own = self.account.device();
        let is_new =
            self.account.opening() == Opening::Created && !self.announcements.has_published;
        is_new && list.devices.iter().any(|device| device.id == own)
    }

    pub(super) fn publish_list(
        &mut self,
        publication: Publication,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let list = self.account.own_device_list(publication.version)?;
        let extras = self.account.list_extras(publication.version)?;
        let request = Request::republish_device_list(&list, &extras);
        self.request(Purpose::PublishList(publication), None, request, now)?;
        // What is changed from here on is to be published after this.
        self.announcements.announce_at(publication.version, None);
        Ok(())
    }

    pub(in crate::client) fn list_was_published(
        &mut self,
        publication: Publication,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let version = publication.version;
        if self.is_taken(publication, Node::DeviceList(version), answer, now)? {
            if !self.announcements.is_list_due(version) {
                self.removals.are_done(version);
            }
            self.account.device_list_published(version, now)?;
        }
        Ok(())
    }
}
