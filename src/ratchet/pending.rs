//! The second act of receiving.

use super::{
    ChainKey, MessageKey, MessageKeys, Ratchet, Receiving, RootKey, Sending, SkippedChanges,
    SkippedKey,
};
use crate::crypto::RatchetPublicKey;

/// A message's key, and the state that follows once the message has verified.
///
/// It holds the ratchet, so nothing can happen to it in between. Dropped, it leaves no trace.
#[derive(Debug)]
#[must_use = "the ratchet does not move before `commit`"]
pub struct Pending<'a> {
    ratchet: &'a mut Ratchet,
    key: Key,
    step: Step,
    n: u32,
}

#[derive(Debug)]
pub(super) enum Key {
    /// From the chain.
    Fresh(MessageKey),
    /// One that was put away.
    Kept(SkippedKey),
}

#[derive(Debug)]
pub(super) enum Step {
    /// A key that was put away is used.
    Skipped { step: u32 },
    /// The receiving chain moves.
    Chain {
        chain: ChainKey,
        passed: Vec<(u32, u32, MessageKey)>,
    },
    /// A new receiving chain is opened.
    Ratchet {
        root: RootKey,
        dh: RatchetPublicKey,
        step: u32,
        chain: ChainKey,
        passed: Vec<(u32, u32, MessageKey)>,
    },
}

impl<'a> Pending<'a> {
    pub(super) const fn new(ratchet: &'a mut Ratchet, key: Key, step: Step, n: u32) -> Self {
        Self {
            ratchet,
            key,
            step,
            n,
        }
    }

    /// The keys to verify and decrypt the message with; `info` is that of the message keys.
    #[must_use]
    pub fn keys(&self, info: &[u8]) -> MessageKeys {
        match &self.key {
            Key::Fresh(key) => key.expand(info),
            Key::Kept(key) => key.expand(info),
        }
    }

    /// Whether the message comes late: its key was put away when others overtook it.
    pub(crate) const fn is_late(&self) -> bool {
        matches!(self.key, Key::Kept(_))
    }

    /// Makes it the state. What is returned belongs into the same transaction.
    pub fn commit(self) -> SkippedChanges {
        let ratchet = self.ratchet;
        // No message has the last number, so there is always a next one.
        let next = self.n.saturating_add(1);
        match self.step {
            Step::Skipped { step } => SkippedChanges {
                used: Some((step, self.n)),
                ..SkippedChanges::default()
            },
            Step::Chain { chain, passed } => {
                if let Receiving::Open { chain: key, n, .. } = &mut ratchet.receiving {
                    (**key, *n) = (chain, next);
                }
                SkippedChanges {
                    added: passed,
                    ..SkippedChanges::default()
                }
            }
            Step::Ratchet {
                root,
                dh,
                step,
                chain,
                passed,
            } => {
                ratchet.previous = match ratchet.sending {
                    Sending::Open { n, .. } => n,
                    Sending::Waiting(_) | Sending::Deferred => 0,
                };
                ratchet.root = root;
                ratchet.sending = Sending::Deferred;
                let chain = Box::new(chain);
                ratchet.receiving = Receiving::Open { dh, chain, n: next };
                ratchet.steps = step;
                SkippedChanges {
                    opened: Some((dh, step)),
                    added: passed,
                    used: None,
                }
            }
        }
    }
}
