//! Two accounts in one store, that write to each other.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use omemo::account::{
    APPLICATION, Account, AccountError, Arrival, Bundles, EncryptError, FetchedBundle, Incoming,
    Options, Outgoing, Received, Sender, TrustPolicy,
};
use omemo::model::{Device, DeviceList, PerVersion, Timestamp, Version};
use omemo::store::Store;
use rand_core::TryCryptoRng;

use crate::ledger::{open_stanza, stanza};

const ADDRESSES: [&str; 2] = ["juliet@capulet.example", "romeo@montague.example"];

/// Juliet and Romeo.
pub(crate) struct Couple(pub(crate) [Account; 2]);

impl Couple {
    /// Opens both, or makes them, and tells each of the other's device.
    pub(crate) fn open<G: TryCryptoRng>(
        store: &Arc<dyn Store>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Self, AccountError> {
        let mut open = |address: &str| {
            let mut options = Options::new(TrustPolicy::BlindUntilVerified);
            options.silent_after = None;
            Account::open(store.clone(), address.parse().unwrap(), options, now, rng)
        };
        let couple = Self([open(ADDRESSES[0])?, open(ADDRESSES[1])?]);
        for (account, other) in [(0, 1), (1, 0)] {
            let (account, other) = (&couple.0[account], &couple.0[other]);
            let versions = PerVersion::from_fn(|_| true);
            let missing = account.missing(&[other.jid().clone()], versions)?;
            for (jid, version) in missing.device_lists {
                let id = if jid == *other.jid() { other } else { account }.device();
                let devices = vec![Device { id, label: None }];
                let list = DeviceList { version, devices };
                account.set_device_list(&jid, &list, now)?;
            }
        }
        Ok(couple)
    }

    /// The stanza with a text from one to the other, stored as sent.
    pub(crate) fn write<G: TryCryptoRng>(
        &self,
        from: usize,
        version: Version,
        text: &str,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<String, AccountError> {
        let (account, other) = (&self.0[from], &self.0[1 - from]);
        let recipients = [other.jid().clone()];
        let mut payloads = PerVersion::default();
        *payloads.get_mut(version) = Some(text.as_bytes());
        let used = PerVersion::from_fn(|v| v == version);
        let mut bundles = Bundles::new();
        for peer in account.missing(&recipients, used)?.bundles {
            let bundle = other.bundle(peer.version)?.bundle;
            bundles.insert(peer, FetchedBundle::Bundle(Box::new(bundle)));
        }
        let outgoing = Outgoing {
            recipients: &recipients,
            payloads,
            bundles: &bundles,
        };
        match account.encrypt(&outgoing, now, rng) {
            Ok(sent) => Ok(stanza(account.jid(), other.jid(), &sent.elements)),
            Err(EncryptError::Account(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    }

    /// What one reads in a stanza.
    pub(crate) fn read<G: TryCryptoRng>(
        &self,
        reader: usize,
        xml: &str,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Received, AccountError> {
        let account = &self.0[reader];
        let (sender, elements) = open_stanza(xml, account.jid(), account.device());
        let incoming = Incoming {
            sender: Sender::Known(&sender),
            elements: &elements,
            arrival: Arrival::Live,
            author: None,
            attached: &[],
        };
        account.decrypt(&incoming, now, rng)
    }

    /// Says that everything that waits and is in `taken` has been taken over. What else waits.
    pub(crate) fn acknowledge(&self, taken: impl Fn(&str) -> bool) -> Result<usize, AccountError> {
        let mut waiting = 0;
        for account in &self.0 {
            for message in account.inbox(APPLICATION)? {
                let text = core::str::from_utf8(&message.payload).unwrap();
                if taken(text) {
                    account.acknowledge(&[message.id], APPLICATION)?;
                } else {
                    waiting += 1;
                }
            }
        }
        Ok(waiting)
    }
}

/// The version of the `n`th message.
pub(crate) fn version(n: u64) -> Version {
    Version::ALL[usize::try_from(n / 2 % 2).unwrap()]
}
