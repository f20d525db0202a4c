//! Answers to first messages, and signs of life.

use rand_core::TryCryptoRng;

use crate::account::AccountError;
use crate::client::Client;
use crate::model::Timestamp;

impl<R: TryCryptoRng> Client<R> {
    pub(super) fn send_answers(&mut self, now: Timestamp) -> Result<(), AccountError> {
        for due in self.account.answers_due()? {
            if self.upkeep.failed.contains_key(&due.peer) {
                continue;
            }
            let made = self
                .account
                .encrypt_empty(&due.peer, None, now, &mut self.rng);
            self.send_empty(&due.peer, made, now)?;
        }
        Ok(())
    }
}
