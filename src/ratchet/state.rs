//! The state of one side (§3.2), sending (§3.4) and the first act of receiving (§3.5).

use rand_core::TryCryptoRng;

use super::pending::{Key, Pending, Step};
use super::{
    Budget, BudgetError, ChainKey, Header, Lookup, MAX_SKIP, MessageKey, ReceiveError, RootKey,
    SendError, SkippedKeys,
};
use crate::crypto::{RatchetKeyPair, RatchetPublicKey};

/// The state variables of §3.2, but for `MKSKIPPED`.
#[derive(Clone, Debug)]
pub struct Ratchet {
    pub(super) root: RootKey,
    pub(super) sending: Sending,
    pub(super) receiving: Receiving,
    /// `PN`.
    pub(super) previous: u32,
    /// Receiving chains opened so far: the step of the current one.
    pub(super) steps: u32,
}

/// `DHs`, `CKs` and `Ns`.
///
/// Secrets are boxed: in a variant that has none, their place would keep whatever was on the stack.
#[derive(Clone, Debug)]
pub enum Sending {
    /// The ratchet key is to be drawn at the next send.
    Deferred,
    /// The responder before the first message: its signed pre-key is the ratchet key.
    Waiting(RatchetKeyPair),
    /// A chain.
    Open {
        /// `DHs`.
        dh: RatchetKeyPair,
        /// `CKs`.
        chain: Box<ChainKey>,
        /// `Ns`.
        n: u32,
    },
}

/// `DHr`, `CKr` and `Nr`. Secrets are boxed, as in [`Sending`].
#[derive(Clone, Debug)]
pub enum Receiving {
    /// The responder before the first message. The key is its own, and means nothing: it fills the place in
    /// which a secret from the stack could stay behind.
    Nothing(RatchetPublicKey),
    /// The initiator before the first answer: their signed pre-key is the ratchet key.
    Waiting(RatchetPublicKey),
    /// A chain.
    Open {
        /// `DHr`.
        dh: RatchetPublicKey,
        /// `CKr`.
        chain: Box<ChainKey>,
        /// `Nr`.
        n: u32,
    },
}

impl Ratchet {
    /// `RatchetInitAlice`: the side that sends first. Its first ratchet key is drawn when it does.
    #[must_use]
    pub const fn initiator(root: RootKey, their: RatchetPublicKey) -> Self {
        Self::from_parts(root, Sending::Deferred, Receiving::Waiting(their), 0, 0)
    }

    /// `RatchetInitBob`: the side that receives first.
    #[must_use]
    pub const fn responder(root: RootKey, own: RatchetKeyPair) -> Self {
        let nothing = Receiving::Nothing(*own.public());
        Self::from_parts(root, Sending::Waiting(own), nothing, 0, 0)
    }

    /// A state that was taken apart before.
    pub(crate) const fn from_parts(
        root: RootKey,
        sending: Sending,
        receiving: Receiving,
        previous: u32,
        steps: u32,
    ) -> Self {
        Self {
            root,
            sending,
            receiving,
            previous,
            steps,
        }
    }

    /// `RK`.
    #[must_use]
    pub const fn root(&self) -> &RootKey {
        &self.root
    }

    /// `DHs`, `CKs`, `Ns`.
    #[must_use]
    pub const fn sending(&self) -> &Sending {
        &self.sending
    }

    /// `DHr`, `CKr`, `Nr`.
    #[must_use]
    pub const fn receiving(&self) -> &Receiving {
        &self.receiving
    }

    /// `PN`: the number of messages in the previous sending chain.
    #[must_use]
    pub const fn previous(&self) -> u32 {
        self.previous
    }

    /// How many receiving chains were opened: the step of the current one.
    #[must_use]
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// `RatchetEncrypt` up to `ENCRYPT`: the place and the key of the next message. The state moves at
    /// once; a message that is never sent is a gap that the other side skips.
    ///
    /// `info` is that of `KDF_RK`.
    ///
    /// # Errors
    /// See [`SendError`]; the state is what it was.
    pub fn send<G: TryCryptoRng + ?Sized>(
        &mut self,
        info: &[u8],
        rng: &mut G,
    ) -> Result<(Header, MessageKey), SendError> {
        if let Sending::Deferred = self.sending {
            self.open_sending(info, rng)?;
        }
        let Sending::Open { dh, chain, n } = &mut self.sending else {
            return Err(SendError::NothingReceived);
        };
        let next = n.checked_add(1).ok_or(SendError::ChainExhausted)?;
        let header = Header {
            dh: *dh.public(),
            pn: self.previous,
            n: *n,
        };
        let (next_chain, key) = chain.step();
        (**chain, *n) = (next_chain, next);
        Ok((header, key))
    }

    /// The second half of the paper's `DHRatchet`, when it is needed.
    fn open_sending<G: TryCryptoRng + ?Sized>(
        &mut self,
        info: &[u8],
        rng: &mut G,
    ) -> Result<(), SendError> {
        let (Receiving::Waiting(their) | Receiving::Open { dh: their, .. }) = &self.receiving
        else {
            return Err(SendError::NothingReceived);
        };
        let dh = RatchetKeyPair::generate(rng)?;
        let (root, chain) = self.root.step(&dh, their, info)?;
        self.root = root;
        let chain = Box::new(chain);
        self.sending = Sending::Open { dh, chain, n: 0 };
        Ok(())
    }

    /// The first act of `RatchetDecrypt`: the key of the message that `header` announces. Nothing
    /// changes before [`Pending::commit`], which is for after the message has verified.
    ///
    /// `info` is that of `KDF_RK`.
    ///
    /// # Errors
    /// See [`ReceiveError`]. What was spent of the budget stays spent.
    pub fn receive(
        &mut self,
        header: &Header,
        info: &[u8],
        skipped: &dyn SkippedKeys,
        budget: &mut Budget,
    ) -> Result<Pending<'_>, ReceiveError> {
        let (key, step) = match &self.receiving {
            Receiving::Open { dh, chain, n } if *dh == header.dh && *n <= header.n => {
                let count = check_jump(header.n, *n, budget)?;
                budget.take_chain_steps(count)?;
                let mut passed = Vec::with_capacity(count as usize);
                let chain = skip((**chain).clone(), self.steps, *n, count, &mut passed);
                let (chain, key) = chain.step();
                (key, Step::Chain { chain, passed })
            }
            receiving => match skipped.find(&header.dh, header.n) {
                Lookup::Key(step, key) => {
                    return Ok(Pending::new(
                        self,
                        Key::Kept(key),
                        Step::Skipped { step },
                        header.n,
                    ));
                }
                Lookup::NoKey => return Err(ReceiveError::KeyUsed),
                Lookup::UnknownChain => {
                    if matches!(receiving, Receiving::Open { dh, .. } if *dh == header.dh) {
                        return Err(ReceiveError::KeyUsed);
                    }
                    self.dh_ratchet(header, info, budget)?
                }
            },
        };
        Ok(Pending::new(self, Key::Fresh(key), step, header.n))
    }

    /// The first half of the paper's `DHRatchet`, and the old chain's remaining keys before it.
    fn dh_ratchet(
        &self,
        header: &Header,
        info: &[u8],
        budget: &mut Budget,
    ) -> Result<(MessageKey, Step), ReceiveError> {
        let (Sending::Waiting(own) | Sending::Open { dh: own, .. }) = &self.sending else {
            // Nothing of ours is unanswered, so an honest peer has nothing to step on.
            return Err(ReceiveError::UnknownRatchetKey);
        };
        let count = check_jump(header.n, 0, budget)?;
        let step = self.steps.checked_add(1).ok_or(ReceiveError::KeyUsed)?;
        budget.take_dh_steps(1)?;
        let (root, chain) = self.root.step(own, &header.dh, info)?;
        budget.take_chain_steps(count)?;
        let old = self.remaining(header.pn, budget);

        // Of its final size at once: a vector that grows leaves its keys in the memory that it frees.
        let old_count = old.as_ref().map_or(0, |(_, _, count)| *count);
        let mut passed = Vec::with_capacity(old_count as usize + count as usize);
        if let Some((old_chain, n, count)) = old {
            skip(old_chain.clone(), self.steps, n, count, &mut passed);
        }
        let chain = skip(chain, step, 0, count, &mut passed);
        let (chain, key) = chain.step();
        Ok((
            key,
            Step::Ratchet {
                root,
                dh: header.dh,
                step,
                chain,
                passed,
            },
        ))
    }

    /// What is left to skip in the current receiving chain: the chain, where it stands, and the number
    /// of keys up to index `pn`. Including it, because half of the field sends the last index for the
    /// paper's number. As many as the budget still allows, the oldest first. A `pn` that asks for too much
    /// is not a reason to refuse the message: then the chain is dropped as it is.
    fn remaining(&self, pn: u32, budget: &mut Budget) -> Option<(&ChainKey, u32, u32)> {
        let Receiving::Open { chain, n, .. } = &self.receiving else {
            return None;
        };
        let missing = pn.checked_sub(*n)?;
        if missing > MAX_SKIP {
            return None;
        }
        let count = missing.saturating_add(1).min(budget.chain_steps());
        budget.take_chain_steps(count).ok()?;
        Some((chain, *n, count))
    }
}

/// Moves a chain that stands at `from` by `count`; the keys that it passes are put away.
fn skip(
    mut chain: ChainKey,
    step: u32,
    from: u32,
    count: u32,
    passed: &mut Vec<(u32, u32, MessageKey)>,
) -> ChainKey {
    for n in (0..count).map(|i| from.saturating_add(i)) {
        let (next, key) = chain.step();
        chain = next;
        passed.push((step, n, key));
    }
    chain
}

/// How far message `to` is ahead of `from`. Before any work: a jump that is not made costs nothing.
fn check_jump(to: u32, from: u32, budget: &Budget) -> Result<u32, ReceiveError> {
    let count = to.checked_sub(from).ok_or(ReceiveError::KeyUsed)?;
    if count > MAX_SKIP || to == u32::MAX {
        return Err(ReceiveError::TooFarAhead);
    }
    if count > budget.chain_steps() {
        return Err(BudgetError.into());
    }
    Ok(count)
}
