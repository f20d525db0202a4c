//! Receiving.

use super::{HEARTBEAT_COUNTER, Session, Unanswered};
use crate::error::DecryptError;
use crate::protocol::{KeyMaterial, RatchetMessage};
use crate::ratchet::{
    Budget, Pending, Ratchet, ReceiveError, Receiving, SkippedChanges, SkippedKeys,
};

/// A message that verified, and a session that has not moved yet.
#[derive(Debug)]
#[must_use = "the session does not move before `commit`"]
pub struct Decrypted<'a> {
    plaintext: KeyMaterial,
    pending: Pending<'a>,
    unanswered: &'a mut Option<Unanswered>,
    heartbeat_due: &'a mut bool,
    calls_for_heartbeat: bool,
}

impl Decrypted<'_> {
    /// The plaintext: key material, to verify the payload with before [`Self::commit`].
    #[must_use]
    pub const fn plaintext(&self) -> &KeyMaterial {
        &self.plaintext
    }

    /// Moves the session past the message. The changes of the skipped keys belong into the same
    /// transaction as the session's record, and into the one that stores what was decrypted.
    pub fn commit(self) -> (KeyMaterial, SkippedChanges) {
        *self.unanswered = None;
        *self.heartbeat_due |= self.calls_for_heartbeat;
        (self.plaintext, self.pending.commit())
    }
}

impl Session {
    /// Decrypts a message. `skipped` is where this session's skipped keys are kept.
    ///
    /// # Errors
    /// See [`DecryptError`].
    pub fn decrypt(
        &mut self,
        message: &RatchetMessage,
        skipped: &dyn SkippedKeys,
        budget: &mut Budget,
    ) -> Result<Decrypted<'_>, DecryptError> {
        if message.version() != self.protocol.version() {
            return Err(DecryptError::OtherVersion);
        }
        let calls_for_heartbeat = calls_for_heartbeat(&self.ratchet, message);
        let pending =
            self.ratchet
                .receive(message.header(), self.protocol.root_info(), skipped, budget)?;
        // The peer has gone on since: an answer to the old key helps nobody.
        let calls_for_heartbeat = calls_for_heartbeat && !pending.is_late();
        let keys = pending.keys(self.protocol.message_info());
        let plaintext = message.open(&keys, &self.parties)?;
        Ok(Decrypted {
            plaintext,
            pending,
            unanswered: &mut self.unanswered,
            heartbeat_due: &mut self.heartbeat_due,
            calls_for_heartbeat,
        })
    }
}

/// Whether this is the first message of its ratchet key that is so far along.
fn calls_for_heartbeat(ratchet: &Ratchet, message: &RatchetMessage) -> bool {
    let header = message.header();
    header.n >= HEARTBEAT_COUNTER
        && match ratchet.receiving() {
            Receiving::Open { dh, n, .. } if *dh == header.dh => *n <= HEARTBEAT_COUNTER,
            _ => true,
        }
}

impl From<ReceiveError> for DecryptError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::KeyUsed => Self::KeyUsed,
            ReceiveError::UnknownRatchetKey => Self::UnknownRatchetKey,
            ReceiveError::TooFarAhead => Self::TooFarAhead,
            ReceiveError::Budget => Self::Budget,
            ReceiveError::Key(error) => Self::Key(error),
        }
    }
}
