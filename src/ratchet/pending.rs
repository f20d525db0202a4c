//! The second act of receiving.

use super::state::Advance;
use super::{
    MessageKey, MessageKeys, Ratchet, Receiving, RootKey, Sending, SkippedChanges, SkippedKey,
};
use crate::crypto::RatchetPublicKey;

/// A message's key, and the state that follows once the message has verified.
///
/// It holds the ratchet, so nothing can happen to it in between. Dropped, it leaves no trace.
#[derive(Debug)]
#[must_use = "the ratchet does not move before `commit`"]
pub struct Pending<'a> {
    ratchet: &'a mut Ratchet,
    key: SkippedKey,
    step: Step,
}

#[derive(Debug)]
pub(super) enum Step {
    /// A key that was put away is used.
    Skipped { step: u32, n: u32 },
    /// The receiving chain moves.
    Chain(Advance),
    /// A new receiving chain is opened.
    Ratchet {
        root: RootKey,
        dh: RatchetPublicKey,
        step: u32,
        remaining: Vec<(u32, MessageKey)>,
        advance: Advance,
    },
}

impl<'a> Pending<'a> {
    pub(super) const fn new(ratchet: &'a mut Ratchet, key: SkippedKey, step: Step) -> Self {
        Self { ratchet, key, step }
    }

    pub(super) const fn skipped(
        ratchet: &'a mut Ratchet,
        step: u32,
        n: u32,
        key: SkippedKey,
    ) -> Self {
        Self::new(ratchet, key, Step::Skipped { step, n })
    }

    /// The keys to verify and decrypt the message with; `info` is that of the message keys.
    #[must_use]
    pub fn keys(&self, info: &[u8]) -> MessageKeys {
        self.key.expand(info)
    }

    /// Makes it the state. What is returned belongs into the same transaction.
    pub fn commit(self) -> SkippedChanges {
        let ratchet = self.ratchet;
        match self.step {
            Step::Skipped { step, n } => SkippedChanges {
                used: Some((step, n)),
                ..SkippedChanges::default()
            },
            Step::Chain(advance) => {
                let added = ratchet.put_away(advance.passed);
                if let Receiving::Open { chain, n, .. } = &mut ratchet.receiving {
                    (*chain, *n) = (advance.chain, advance.n);
                }
                SkippedChanges {
                    added,
                    ..SkippedChanges::default()
                }
            }
            Step::Ratchet {
                root,
                dh,
                step,
                remaining,
                advance,
            } => {
                let mut added = ratchet.put_away(remaining);
                ratchet.root = root;
                ratchet.previous = match ratchet.sending {
                    Sending::Open { n, .. } => n,
                    Sending::Waiting(_) | Sending::Deferred => 0,
                };
                ratchet.sending = Sending::Deferred;
                ratchet.receiving = Receiving::Open {
                    dh,
                    chain: advance.chain,
                    n: advance.n,
                };
                ratchet.steps = step;
                added.extend(ratchet.put_away(advance.passed));
                SkippedChanges {
                    opened: Some((dh, step)),
                    added,
                    used: None,
                }
            }
        }
    }
}

impl Ratchet {
    /// Keys of the current receiving chain, under its step.
    fn put_away(&self, keys: Vec<(u32, MessageKey)>) -> Vec<(u32, u32, MessageKey)> {
        keys.into_iter()
            .map(|(n, key)| (self.steps, n, key))
            .collect()
    }
}
