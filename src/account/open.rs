//! Opening an account: finding it in the store, or making it there.

use std::sync::Arc;

use rand_core::TryCryptoRng;

use super::consumers::APPLICATION;
use super::made::Origins;
use super::names::Names;
use super::options::Options;
use super::own::{Own, draw_device_id};
use super::records::{self, InboxRecord};
use super::transaction::{self, Transaction};
use super::transfer::Brought;
use super::{Account, AccountError, remove};
use crate::model::{BareJid, DeviceId, Timestamp, Version};
use crate::store::{Scan, Store};

/// How an account was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It was not in the store, and was made: publish its bundles, then its place on the device lists.
    Created,
    /// It was in the store.
    Found,
    /// It was in the store, which is an old copy of itself ([`super::Incarnation`]). Nothing of it that was
    /// used since then is used again; new bundles are due. Tell the user: messages of the time in between,
    /// and older ones that had not come when the copy was made, may not be readable.
    RolledBack,
}

/// What came of an attempt to open an account.
enum Step {
    Opened(Box<Account>),
    /// It was to forget somebody, and has not.
    Forgets(Box<Account>),
    /// It takes more than one write.
    Again,
    /// There are only remains of an account.
    Remains,
}

impl Account {
    /// Opens the account of an address, or makes it: an identity, a device id, and a signed pre-key and
    /// 100 pre-keys for each version.
    ///
    /// The store may be shared, between accounts and between processes.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn open<G: TryCryptoRng + ?Sized>(
        store: Arc<dyn Store>,
        jid: BareJid,
        options: Options,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Self, AccountError> {
        Self::open_with(store, jid, options, None, now, rng)
    }

    /// Opens an account; or makes it, and what was brought for it with it.
    pub(super) fn open_with<G: TryCryptoRng + ?Sized>(
        store: Arc<dyn Store>,
        jid: BareJid,
        options: Options,
        brought: Option<&Brought<'_>>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Self, AccountError> {
        let names = Names::new(jid);
        let new_account = |own, opening| Self {
            store: store.clone(),
            names: names.clone(),
            options: options.clone(),
            own,
            opening,
        };
        let mut open = |tx: &mut Transaction<'_>| {
            let key = names.identity();
            if let Some(record) = tx.get(&key)? {
                if remove::is_removed(&record) {
                    return Ok(Step::Remains);
                }
                if brought.is_some() {
                    return Err(AccountError::Gone);
                }
                let own = Own::from_record(&record)?;
                let mut account = new_account(own, Opening::Found);
                if let Some(proof) = account.proof_at_opening(tx)? {
                    if !account.disown(tx, proof, now, rng)? {
                        return Ok(Step::Again);
                    }
                    account.opening = Opening::RolledBack;
                }
                if !account.index_owners(tx)? {
                    return Ok(Step::Again);
                }
                return Ok(match account.is_forgetting(tx)? {
                    true => Step::Forgets(Box::new(account)),
                    false => Step::Opened(Box::new(account)),
                });
            }
            let own = Own::draw(brought.map(|brought| brought.identity.clone()), now, rng)?;
            tx.put(key, &own.to_record());
            let account = new_account(own, Opening::Created);
            account.furnish(tx, brought.is_some(), now, rng)?;
            if let Some(brought) = brought {
                brought.unpack(&account, tx, now)?;
            }
            Ok(Step::Opened(Box::new(account)))
        };
        loop {
            match transaction::run(&*store, names.scope(), &mut open)? {
                Step::Opened(account) => return Ok(*account),
                Step::Forgets(account) => {
                    account.finish_forgetting()?;
                    return Ok(*account);
                }
                Step::Again => {}
                // A removal was begun, and not finished.
                Step::Remains => remove::finish(&*store, &names)?,
            }
        }
    }

    /// What a new account needs.
    fn furnish<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        is_carried: bool,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        let origins = match is_carried {
            true => Origins::Carried,
            false => Origins::Known,
        };
        for version in Version::ALL {
            self.set_origins(tx, version, origins)?;
            self.renew_signed_pre_key(tx, version, now, rng)?;
            let mut state = self.version_state(tx, version)?;
            self.refill(tx, version, &mut state, rng)?;
        }
        let inbox = InboxRecord {
            consumers: vec![APPLICATION.to_owned()],
            ..InboxRecord::default()
        };
        records::write(tx, self.names.account("inbox"), &inbox);
        self.begin_index(tx);
        let own = self.names.own().clone();
        let contact = self.contact(tx, &own)?;
        self.store_contact(tx, &own, contact, now);
        Ok(())
    }

    /// The accounts that a store has.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn all_in(store: &dyn Store) -> Result<Vec<BareJid>, AccountError> {
        let mut jids = Vec::new();
        let mut after = None;
        loop {
            let table = super::names::IDENTITY;
            let page = store.scan(&Scan::Partitions { table, after }, PAGE)?;
            let accounts = page.iter();
            // Of one that is being removed nothing is to be had.
            for record in accounts.filter(|record| !remove::is_removed(&record.value)) {
                let jid = core::str::from_utf8(&record.key.partition).ok();
                let jid = jid.and_then(|jid| jid.parse().ok());
                jids.push(jid.ok_or(AccountError::Record)?);
            }
            after = match page.last() {
                Some(last) if page.len() == PAGE => Some(last.key.partition.clone()),
                _ => break,
            };
        }
        jids.sort();
        Ok(jids)
    }

    /// Draws another device id, as this one is taken: a device of the account is on the list under it.
    /// Only before anything was published under it. Other handles of the account say
    /// [`AccountError::Gone`] from then on, and are to be opened again.
    ///
    /// # Errors
    /// [`AccountError::NoId`] if none could be drawn that is free; else as for all.
    pub fn change_device_id<G: TryCryptoRng + ?Sized>(
        &mut self,
        taken: &[DeviceId],
        rng: &mut G,
    ) -> Result<(), AccountError> {
        let own = self.run(|tx| {
            let mut own = self.own.clone();
            // A generator that gives nothing else is stuck.
            for _ in 0..MAX_DRAWS {
                own.device = draw_device_id(rng)?;
                if own.device != self.own.device && !taken.contains(&own.device) {
                    tx.put(self.names.identity(), &own.to_record());
                    return Ok(own);
                }
            }
            Err(AccountError::NoId)
        })?;
        self.own = own;
        Ok(())
    }
}

/// An id is taken with one chance in millions, however many devices there are.
const MAX_DRAWS: usize = 16;

/// How many partitions are asked for at once.
const PAGE: usize = 100;
