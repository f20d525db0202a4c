//! This device's bundles: what the server has, and publishing what it should have.

use rand_core::TryCryptoRng;

use crate::account::AccountError;
use crate::client::Client;
use crate::client::requests::{Publication, Purpose};
use crate::model::{Timestamp, Version};
use crate::stanza::{IqAnswer, Items, MaxItems, Node, Request};

impl<R: TryCryptoRng> Client<R> {
    /// The bundle that the server has: if it is not ours, ours is due. It can show that the store is an old
    /// copy.
    pub(in crate::client) fn own_bundle_answered(
        &mut self,
        version: Version,
        answer: Option<(&str, &IqAnswer<'_>)>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        // If nobody says what is there, it is what we have published, if we have.
        if let Some((xml, _)) = answer {
            let items = Items::read(xml).ok().flatten();
            let device = self.account.device();
            let published = items.and_then(|items| items.bundle(device).ok().flatten());
            let rng = &mut self.rng;
            self.account
                .check_published(version, published.as_ref(), now, rng)?;
            self.tell_of_rollback()?;
        }
        if let Some(state) = self.announcements.versions.get_mut(&version) {
            state.is_bundle_known = true;
        }
        Ok(())
    }

    pub(super) fn publish_bundle(
        &mut self,
        mut publication: Publication,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let version = publication.version;
        let own = self.account.bundle(version)?;
        self.announcements.has_published = true;
        publication.revision = own.revision;
        let device = self.account.device();
        // A bundle of ours can be written: it has a hundred pre-keys.
        let request = Request::publish_bundle(device, &own.bundle, publication.max_items)
            .map_err(|_| AccountError::Record)?;
        self.request(Purpose::PublishBundle(publication), None, request, now)
    }

    pub(in crate::client) fn bundle_was_published(
        &mut self,
        publication: Publication,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let version = publication.version;
        let node = Node::of_bundle(version, self.account.device());
        if self.is_taken(publication, node, answer, now)? {
            self.account
                .bundle_published(version, publication.revision)?;
            if publication.max_items.is_none() && node.has_many_items() {
                self.widen_bundles(version, MaxItems::Max, now)?;
            }
        }
        Ok(())
    }

    /// Makes room for the bundles of all devices in a node that was published without saying so.
    fn widen_bundles(
        &mut self,
        version: Version,
        max_items: MaxItems,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let node = Node::of_bundle(version, self.account.device());
        let request = Request::configure(node, max_items);
        let purpose = Purpose::WidenBundles(version, max_items);
        self.request(purpose, None, request, now)
    }

    pub(in crate::client) fn bundles_were_widened(
        &mut self,
        version: Version,
        max_items: MaxItems,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        match max_items.lower() {
            Some(lower) if answer.is_some_and(|answer| answer.is_error) => {
                self.widen_bundles(version, lower, now)
            }
            _ => Ok(()),
        }
    }
}
