//! What lies between: it loses, reorders and repeats.

use std::fmt;

use rand::RngExt;
use rand::rngs::StdRng;

/// No more messages than this wait for each side.
const MAX_WAITING: usize = 4;

/// No message waits for longer than so many rounds: libsignal's family forgets all but five receiving
/// chains, and a round can open one.
const MAX_ROUNDS: u32 = 4;

/// The two ends of the line.
pub(crate) trait Ends {
    type Letter;

    /// Hands one end a letter of the other's. Whether it was read; that it was read right is for the ends
    /// to see to.
    fn receive(&mut self, to: Side, letter: &Self::Letter, rng: &mut StdRng) -> bool;
}

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) plaintext: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) key_exchange: bool,
}

impl Message {
    pub(crate) const fn new(plaintext: Vec<u8>, bytes: Vec<u8>, key_exchange: bool) -> Self {
        Self {
            plaintext,
            bytes,
            key_exchange,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) sent: u32,
    lost: u32,
    read: u32,
    repeated: u32,
    overtaken: u32,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sent, {} lost, {} read, {} repeats refused, {} overtaken",
            self.sent, self.lost, self.read, self.repeated, self.overtaken
        )
    }
}

pub(crate) struct Network<L> {
    /// What waits, with the round in which it was sent. The oldest first.
    for_us: Vec<(u32, L)>,
    for_them: Vec<(u32, L)>,
    round: u32,
    pub(crate) counts: Counts,
}

impl<L> Network<L> {
    pub(crate) fn after_first_message() -> Self {
        Self {
            for_us: Vec::new(),
            for_them: Vec::new(),
            round: 0,
            counts: Counts {
                sent: 1,
                read: 1,
                ..Counts::default()
            },
        }
    }

    pub(crate) fn send(&mut self, from: Side, letter: L, rng: &mut StdRng) {
        self.counts.sent += 1;
        if rng.random_ratio(1, 12) {
            self.counts.lost += 1;
            return;
        }
        match from {
            Side::Ours => self.for_them.push((self.round, letter)),
            Side::Theirs => self.for_us.push((self.round, letter)),
        }
    }

    pub(crate) fn deliver_some(&mut self, ends: &mut impl Ends<Letter = L>, rng: &mut StdRng) {
        let keep = rng.random_range(0..=MAX_WAITING);
        self.deliver(keep, ends, rng);
        self.round += 1;
    }

    pub(crate) fn deliver_all(&mut self, ends: &mut impl Ends<Letter = L>, rng: &mut StdRng) {
        self.deliver(0, ends, rng);
    }

    /// Delivers in an order of its own until no more than `keep` wait on either side.
    fn deliver(&mut self, keep: usize, ends: &mut impl Ends<Letter = L>, rng: &mut StdRng) {
        for to in [Side::Ours, Side::Theirs] {
            loop {
                let queue = match to {
                    Side::Ours => &mut self.for_us,
                    Side::Theirs => &mut self.for_them,
                };
                let is_late = queue
                    .first()
                    .is_some_and(|(sent, _)| sent + MAX_ROUNDS <= self.round);
                if queue.len() <= keep && !is_late {
                    break;
                }
                let choices = if is_late { 1 } else { queue.len() };
                let index = rng.random_range(0..choices);
                let (_, letter) = queue.remove(index);
                self.counts.overtaken += u32::from(index > 0);
                assert!(ends.receive(to, &letter, rng), "not read");
                self.counts.read += 1;
                if rng.random_ratio(1, 6) {
                    assert!(!ends.receive(to, &letter, rng), "read twice");
                    self.counts.repeated += 1;
                }
            }
        }
    }
}
