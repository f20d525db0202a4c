//! A session as a store has it: by its record, and the records of its skipped keys.

use omemo::protocol::{KeyMaterial, RatchetMessage};
use omemo::ratchet::{Budget, SkippedChanges, SkippedKey, SkippedKeysInMemory};
use omemo::session::Session;

use super::bytes::same;
use super::problem::{Open, Problem};

/// A session. Each use reads its record and writes it again, errors included: so the record is all that
/// a session is, and an error that moved it does not go unnoticed.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    record: Vec<u8>,
    skipped: SkippedKeysInMemory,
}

/// What a store has of a session, to compare.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Records {
    session: Vec<u8>,
    /// With the steps of their chains.
    skipped_keys: Vec<(u32, Vec<u8>)>,
    /// By their ratchet keys.
    chains: Vec<([u8; 32], u32)>,
}

impl Stored {
    pub(super) fn new(session: &Session, skipped: SkippedChanges) -> Result<Self, String> {
        let mut stored = Self {
            record: Vec::new(),
            skipped: SkippedKeysInMemory::default(),
        };
        stored.save(session)?;
        stored.skipped.apply(skipped);
        Ok(stored)
    }

    pub(super) fn load(&self) -> Result<Session, String> {
        Session::from_record(&self.record).map_err(|error| format!("a session's record: {error}"))
    }

    pub(super) fn save(&mut self, session: &Session) -> Result<(), String> {
        self.record = session.to_record().to_vec();
        let again = self.load()?.to_record();
        same(
            "record of a session, read and written again",
            &self.record,
            again.as_slice(),
        )
    }

    /// Decrypts a message, and moves if the rest of the stanza opens.
    pub(super) fn receive(
        &mut self,
        message: &RatchetMessage,
        budget: &mut Budget,
        open: Open<'_>,
    ) -> Result<KeyMaterial, Problem> {
        let mut session = self.load()?;
        let received = match session.decrypt(message, &self.skipped, budget) {
            Ok(decrypted) => match open(decrypted.plaintext()) {
                Ok(()) => Ok(decrypted.commit()),
                Err(class) => Err(Problem::Unopened(class)),
            },
            Err(error) => Err(error.into()),
        };
        self.save(&session)?;
        let (plaintext, changes) = received?;
        self.skipped.apply(changes);
        Ok(plaintext)
    }

    pub(super) fn records(&self) -> Result<Records, String> {
        let chains = self.skipped.chains();
        let mut chains: Vec<_> = chains.map(|(dh, step)| (*dh.as_bytes(), step)).collect();
        chains.sort_unstable();
        let keys = self.skipped.iter();
        Ok(Records {
            session: self.record.clone(),
            skipped_keys: keys
                .map(|(step, n, key)| Ok((step, record_of_key(n, key)?)))
                .collect::<Result<_, String>>()?,
            chains,
        })
    }
}

/// The record of a skipped key, if it is read back as what it was.
fn record_of_key(n: u32, key: &SkippedKey) -> Result<Vec<u8>, String> {
    let record = key.to_record(n);
    let (again, key) =
        SkippedKey::from_record(&record).ok_or("the record of a skipped key is not read back")?;
    same(
        "record of a skipped key, read and written again",
        &record,
        &key.to_record(again),
    )?;
    Ok(record.to_vec())
}
