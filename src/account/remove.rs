//! Removing an account from its store, contact by contact.
//!
//! An account may have thousands of contacts, so it takes several writes. The first one takes its identity
//! away, which makes it this device, and leaves a mark in its place: from then on nobody can open it, and whoever tries
//! does the rest first.

use super::names::Names;
use super::transaction::{self, MAX_STEP, Transaction};
use super::{Account, AccountError, owners};
use crate::model::{BareJid, Version};
use crate::store::{Range, Store};

/// What stands in the place of the identity of an account that is being removed. Older versions take it for the
/// identity of a newer one, and leave it alone.
const REMOVED: [u8; 1] = [u8::MAX];

/// Whether the record of an identity is that of an account of which only remains are there.
pub(super) fn is_removed(identity: &[u8]) -> bool {
    identity == REMOVED
}

impl Account {
    /// Removes everything that the store has of the account: nothing that was written for it can be read
    /// any more. Other accounts in the store stay. The device lists and bundles on the server are the
    /// caller's to remove.
    ///
    /// # Errors
    /// [`AccountError`]. Afterwards every handle of the account says [`AccountError::Gone`]. What the error has
    /// left is removed when the account is opened, or made anew.
    pub fn remove(self) -> Result<(), AccountError> {
        self.run(|tx| {
            tx.put(self.names.identity(), &REMOVED);
            Ok::<_, AccountError>(())
        })?;
        finish(&*self.store, &self.names)
    }
}

/// Removes what is left of an account whose removal was begun.
pub(super) fn finish(store: &dyn Store, names: &Names) -> Result<(), AccountError> {
    let contacts = transaction::run(store, names.scope(), |tx| contacts(tx, names))?;
    // The devices lead to what is known of their keys: that goes first.
    for remove in [remove_owners, remove_contacts] {
        let mut rest = &*contacts;
        while !rest.is_empty() {
            let count = transaction::run(store, names.scope(), |tx| remove(tx, names, rest))?;
            rest = rest.get(count..).unwrap_or_default();
        }
    }
    transaction::run(store, names.scope(), |tx| {
        if is_being_removed(tx, names)? {
            for range in rest_of(names) {
                tx.clear(range);
            }
            tx.delete(names.identity());
        }
        Ok(())
    })
}

/// The contacts whose records are still there.
fn contacts(tx: &Transaction<'_>, names: &Names) -> Result<Vec<BareJid>, AccountError> {
    let records = tx.scan(&names.contacts())?.into_iter();
    let jid = |sort: Vec<u8>| String::from_utf8(sort).ok()?.parse().ok();
    // A name that is damaged leads nowhere.
    Ok(records.filter_map(|(sort, _)| jid(sort)).collect())
}

/// Removes what the index of keys has of as many contacts as one write takes, and says how many.
fn remove_owners(
    tx: &mut Transaction<'_>,
    names: &Names,
    contacts: &[BareJid],
) -> Result<usize, AccountError> {
    if !is_being_removed(tx, names)? {
        return Ok(contacts.len());
    }
    let mut count = 0;
    for jid in contacts {
        owners::remove(tx, names, jid)?;
        count += 1;
        if tx.size() >= MAX_STEP {
            break;
        }
    }
    Ok(count)
}

/// Removes as many contacts as one write takes, and says how many.
fn remove_contacts(
    tx: &mut Transaction<'_>,
    names: &Names,
    contacts: &[BareJid],
) -> Result<usize, AccountError> {
    // Another process was faster, and may have made the account anew since.
    if !is_being_removed(tx, names)? {
        return Ok(contacts.len());
    }
    let mut count = 0;
    for jid in contacts {
        if !remove_message_keys(tx, names, jid)? {
            break;
        }
        for range in names.of_contact(jid) {
            tx.clear(range);
        }
        tx.delete(names.contact(jid));
        count += 1;
        if tx.size() >= MAX_STEP {
            break;
        }
    }
    Ok(count)
}

/// Removes the keys of messages of a contact until the write is large enough, and says whether that was all.
fn remove_message_keys(
    tx: &mut Transaction<'_>,
    names: &Names,
    jid: &BareJid,
) -> Result<bool, AccountError> {
    for (sort, value) in tx.scan(&names.all_chains(jid))? {
        for chain in super::message_keys::steps(&value) {
            tx.clear(names.message_keys_of(jid, &sort, chain));
        }
        tx.delete(names.chains_of(jid, sort));
        if tx.size() >= MAX_STEP {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_being_removed(tx: &Transaction<'_>, names: &Names) -> Result<bool, AccountError> {
    let identity = tx.get(&names.identity())?;
    Ok(identity.is_some_and(|identity| is_removed(&identity)))
}

/// What an account has besides its contacts' records. The contacts' names go last, as they lead to the others.
fn rest_of(names: &Names) -> Vec<Range> {
    let keys = Version::ALL.into_iter().flat_map(|version| {
        let signed = names.signed_pre_keys(version);
        [names.pre_keys(version), signed, names.all_made(version)]
    });
    let others = [
        names.all_failures(),
        names.answers(),
        names.inbox_range(),
        names.account_range(),
        names.contacts(),
    ];
    keys.chain(others).collect()
}
