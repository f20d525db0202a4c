//! Taking this device off the server, as the user wishes.

use rand_core::TryCryptoRng;

use super::lists::OwnList;
use crate::account::AccountError;
use crate::client::Client;
use crate::client::action::Notice;
use crate::client::requests::Purpose;
use crate::model::{Timestamp, Version};
use crate::stanza::{IqAnswer, Node, Request};

impl<R: TryCryptoRng> Client<R> {
    /// Takes this device off the server: from the lists, and its bundles. [`Notice::SwitchedOff`] says when
    /// that is done; what the server refuses, or does not answer, is [`Notice::NotPublished`], and tried
    /// again after the next connection of this `Client`. The account stays as it is;
    /// [`Account::remove`](crate::account::Account::remove) wipes it.
    ///
    /// # Errors
    /// [`AccountError`]: it is under way all the same; the next call goes on with it.
    pub fn switch_off(&mut self, now: Timestamp) -> Result<(), AccountError> {
        self.announcements.is_leaving = true;
        self.go_on(now)
    }

    /// Takes this device off the list of a version, then its bundle.
    pub(in crate::client) fn leave(
        &mut self,
        version: Version,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        // A list that nobody has seen may have others on it, and this device: with a list but without a
        // bundle, nobody could write to it.
        if self.own_list(version) != OwnList::Known {
            self.announcements.leaves(version);
            self.was_not_left(Node::DeviceList(version), None);
            return Ok(());
        }
        let mut list = self.account.own_device_list(version)?;
        list.devices
            .retain(|device| device.id != self.account.device());
        let extras = self.account.list_extras(version)?;
        let request = Request::republish_device_list(&list, &extras);
        self.request(Purpose::LeaveList(version), None, request, now)?;
        self.announcements.leaves(version);
        Ok(())
    }

    pub(in crate::client) fn list_was_left(
        &mut self,
        version: Version,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if answer.is_none_or(|answer| answer.is_error) {
            self.was_not_left(Node::DeviceList(version), answer);
            return Ok(());
        }
        let request = Request::remove_bundle(version, self.account.device());
        self.request(Purpose::RemoveBundle(version), None, request, now)
    }

    pub(in crate::client) fn bundle_was_removed(
        &mut self,
        version: Version,
        answer: Option<&IqAnswer<'_>>,
    ) {
        // What is not there need not go.
        let is_gone = |answer: &IqAnswer<'_>| !answer.is_error || answer.has("item-not-found");
        if !answer.is_some_and(is_gone) {
            let node = Node::of_bundle(version, self.account.device());
            self.was_not_left(node, answer);
        } else if self.announcements.leave(version) {
            self.notice(Notice::SwitchedOff);
        }
    }

    fn was_not_left(&mut self, node: Node, answer: Option<&IqAnswer<'_>>) {
        let condition = answer.and_then(|answer| answer.conditions.first());
        self.notice(Notice::NotPublished {
            node: node.to_string(),
            condition: condition.map(|condition| condition.to_string()),
        });
    }
}
