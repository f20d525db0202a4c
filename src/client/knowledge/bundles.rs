//! Bundles: answers to requests for them, and how long they are kept.

use rand_core::TryCryptoRng;

use super::{Knowledge, Resource, answers};
use crate::account::{AccountError, Fate, FetchedBundle, Peer, Report};
use crate::client::Client;
use crate::model::Timestamp;
use crate::stanza::{IqAnswer, Items};

impl Knowledge {
    /// Takes out the bundle of a device, to start a session with it.
    pub(in crate::client) fn take_bundle(&mut self, peer: &Peer) -> Option<FetchedBundle> {
        let bundle = self.bundles.remove(peer)?;
        if matches!(bundle, FetchedBundle::Bundle(_)) {
            self.table.forget(&Resource::Bundle(peer.clone()));
        }
        Some(bundle)
    }

    /// Forgets the bundles with which the sessions of a message were started: a pre-key is used once.
    pub(in crate::client) fn use_up(&mut self, report: &Report) {
        for device in report.encrypted() {
            if let Fate::Encrypted {
                version,
                key_exchange: true,
            } = device.fate
            {
                let peer = Peer::new(device.jid.clone(), device.device, version);
                self.take_bundle(&peer);
            }
        }
    }

    /// Forgets bundles that are old, as others use up their pre-keys, and failures that are long past.
    pub(in crate::client) fn forget_old(&mut self, now: Timestamp) {
        while let Some(peer) = self.table.next_expired(now) {
            self.bundles.remove(&peer);
        }
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// A bundle has come, or will not.
    pub(in crate::client) fn bundle_answered(
        &mut self,
        peer: &Peer,
        answer: Option<(&str, &IqAnswer<'_>)>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let fetched = match answer {
            Some((xml, answer)) if !answer.is_error => match Items::read(xml) {
                Ok(Some(items)) => match items.bundle(peer.device) {
                    Ok(Some(bundle)) => FetchedBundle::Bundle(Box::new(bundle)),
                    Ok(None) => FetchedBundle::Absent,
                    Err(_) => FetchedBundle::Broken,
                },
                Ok(None) => FetchedBundle::Absent,
                Err(_) => FetchedBundle::Broken,
            },
            // Prosody says "forbidden" of a stranger's node that does not exist.
            Some((_, answer)) if answer.has("item-not-found") || answers::is_refusal(answer) => {
                FetchedBundle::Absent
            }
            other => FetchedBundle::Unreachable(answers::failure(other.map(|(_, answer)| answer))),
        };
        let resource = Resource::Bundle(peer.clone());
        if let FetchedBundle::Unreachable(error) = fetched {
            let failed = self.account.bundle_lookup_failed(peer, error, now)?;
            self.knowledge.table.failed(resource, failed);
        } else {
            if self.knowledge.table.has_failed(&resource) {
                self.account.bundle_lookup_answered(peer)?;
            }
            let is_absent = !matches!(fetched, FetchedBundle::Bundle(_));
            self.knowledge.table.saw(resource, is_absent, now);
        }
        self.keep_bundle(peer, fetched, now);
        Ok(())
    }
}
