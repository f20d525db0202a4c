//! What this device sends by itself, without anybody asking: answers to first messages, signs of life, and
//! new sessions in the place of broken ones.
//!
//! Nobody waits for it, so it has a pace and errors of its own. What fails is tried again later, the user is
//! told by a notice, and nothing of it comes out of the call that happened to set it off: else one damaged
//! record would make every stanza fail.

mod answers;
mod pace;
mod repairs;
mod rollback;

use std::collections::BTreeMap;

use rand_core::TryCryptoRng;

use crate::account::{AccountError, EmptyError, Peer};
use crate::client::Client;
use crate::client::action::{Action, Notice};
use crate::model::{Encrypted, RecipientKey, Timestamp};
use crate::stanza::{Companion, StanzaKind, write_encrypted};

/// After a damaged record the device that it is about is left alone for so long.
const PAUSE: core::time::Duration = core::time::Duration::from_secs(60 * 60);

/// After a store that failed everything is tried again after so long.
const STORE_PAUSE: core::time::Duration = core::time::Duration::from_secs(60);

/// What is put off.
#[derive(Debug, Default)]
pub(in crate::client) struct Upkeep {
    /// Devices for which nothing could be made, and until when they are left alone.
    failed: BTreeMap<Peer, Timestamp>,
    /// When something is tried again that waits for nothing else.
    retry_at: Option<Timestamp>,
    pace: pace::Pace,
    /// The store has failed the last time.
    is_store_failing: bool,
    /// The last error that the user was told of, until all went well again.
    told: Option<AccountError>,
}

impl Upkeep {
    /// Forgets what failed on another stream.
    pub(in crate::client) fn begin_stream(&mut self) {
        self.failed.clear();
        self.pace.begin_stream();
    }

    /// When it is to be called without anybody calling.
    pub(in crate::client) fn next(&self) -> Option<Timestamp> {
        let failed = self.failed.values().copied();
        failed.chain(self.retry_at).min()
    }

    fn retry_at(&mut self, at: Timestamp) {
        self.retry_at = self.retry_at.into_iter().chain([at]).min();
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// Sends what is owed.
    pub(in crate::client) fn attend(&mut self, now: Timestamp) {
        // What a clock that was put back has made far away comes near again.
        let is_paused = |until: Timestamp| until > now && until <= now.after(PAUSE);
        self.upkeep.failed.retain(|_, until| is_paused(*until));
        self.upkeep.retry_at = None;
        let done = self.send_answers(now).and_then(|()| self.send_repairs(now));
        // Once is no news: another process may have been writing.
        let was_failing = core::mem::replace(&mut self.upkeep.is_store_failing, done.is_err());
        match done {
            Ok(()) if self.upkeep.failed.is_empty() => self.upkeep.told = None,
            Ok(()) => {}
            Err(error) => {
                self.upkeep.retry_at(now.after(STORE_PAUSE));
                if was_failing {
                    self.tell_of_failure(error);
                }
            }
        }
    }

    /// Sends an empty message, or leaves a device alone for which none can be made.
    fn send_empty(
        &mut self,
        peer: &Peer,
        made: Result<Encrypted<RecipientKey>, EmptyError>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let element = match made {
            Ok(element) => element,
            Err(EmptyError::Account(error)) => return self.leave_alone(peer, error, now),
            // Whoever cannot be answered is not.
            Err(_) => return Ok(()),
        };
        // One key and a nonce of the right length: that can be written.
        let xml = write_encrypted(&element).map_err(|_| AccountError::Record)?;
        let mut stanza = format!("<message to='{}' type='chat'>{xml}", peer.jid);
        for companion in Companion::of(StanzaKind::Message, &[element]) {
            stanza.push_str(&companion.to_string());
        }
        stanza.push_str("</message>");
        self.actions.push_back(Action::Send(stanza));
        Ok(())
    }

    /// A damaged record concerns one device. Everything else concerns all.
    fn leave_alone(
        &mut self,
        peer: &Peer,
        error: AccountError,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if !matches!(error, AccountError::Record | AccountError::Newer) {
            return Err(error);
        }
        self.upkeep.failed.insert(peer.clone(), now.after(PAUSE));
        self.tell_of_failure(error);
        Ok(())
    }

    fn tell_of_failure(&mut self, error: AccountError) {
        if self.upkeep.told.replace(error) != Some(error) {
            self.notice(Notice::UpkeepFailed(error));
        }
    }
}
