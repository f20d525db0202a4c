//! One meeting of two devices that greet each other at the same moment.

use rand::RngExt;
use rand::rngs::StdRng;

use crate::conversation::either;
use crate::juliet::Juliet;
use crate::letter::Letter;
use crate::network::Side;
use crate::peer::Peer;
use crate::romeo::Romeo;

/// What is written behind the first messages, before all of them have arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behind {
    Nothing,
    /// Whoever gets one of the first messages answers it.
    Texts,
    /// Whoever accepts a session sends an empty message on it, as clients do.
    Empties,
    /// Anybody writes anything; and what waits arrives in any order.
    Chance,
}

pub(crate) struct Plan {
    /// How many first messages each side writes.
    pub(crate) ours: usize,
    pub(crate) theirs: usize,
    /// In which order they arrive: ours come before theirs in the numbering.
    pub(crate) order: Vec<usize>,
    pub(crate) behind: Behind,
    /// Who speaks first when all is quiet.
    pub(crate) first: Side,
}

/// Two devices that do not know each other yet.
pub(crate) struct Meeting<'a> {
    juliet: Juliet,
    romeo: Romeo<'a>,
    /// What is under way, and who has sent it.
    waiting: Vec<(Side, Letter)>,
    /// What has arrived, and whether it was read.
    arrived: Vec<(Side, Letter, bool)>,
    written: u32,
}

impl<'a> Meeting<'a> {
    pub(crate) fn new(peer: &'a mut Peer, rng: &mut StdRng) -> Self {
        Self {
            juliet: Juliet::new(peer.version, rng),
            romeo: Romeo::new(peer, rng),
            waiting: Vec::new(),
            arrived: Vec::new(),
            written: 0,
        }
    }

    /// What has arrived, who sent it, and whether it was read.
    pub(crate) fn arrived(&self) -> &[(Side, Letter, bool)] {
        &self.arrived
    }

    /// Both write before anything arrives.
    pub(crate) fn greet(&mut self, plan: &Plan, rng: &mut StdRng) {
        let romeos = self.romeo.bundle();
        for _ in 0..plan.ours {
            let text = self.text();
            let letter = self.juliet.greet(&romeos, &text, rng);
            self.waiting.push((Side::Ours, letter));
        }
        for number in 0..plan.theirs {
            let text = self.text();
            let letter = if number == 0 {
                self.romeo.greet(&self.juliet.bundle(), &text, rng)
            } else {
                self.romeo.write(&text, rng)
            };
            self.waiting.push((Side::Theirs, letter));
        }
        assert!(self.waiting.iter().all(|(_, l)| l.is_key_exchange()));
        let first = std::mem::take(&mut self.waiting);
        self.waiting = plan.order.iter().map(|n| first[*n].clone()).collect();
    }

    /// All of it arrives, and what is written meanwhile.
    pub(crate) fn arrive(&mut self, plan: &Plan, rng: &mut StdRng) {
        let first = plan.ours + plan.theirs;
        let mut arrived = 0;
        while !self.waiting.is_empty() {
            let next = match plan.behind {
                Behind::Chance => rng.random_range(0..self.waiting.len()),
                Behind::Nothing | Behind::Texts | Behind::Empties => 0,
            };
            let (from, letter) = self.waiting.remove(next);
            let to = match from {
                Side::Ours => Side::Theirs,
                Side::Theirs => Side::Ours,
            };
            let opens = letter.is_key_exchange() && !self.has_opened(from);
            self.deliver(from, letter, rng);
            arrived += 1;
            match plan.behind {
                Behind::Nothing => {}
                Behind::Texts if arrived <= first => self.send(to, rng),
                Behind::Texts => {}
                Behind::Empties if opens => self.send_empty(to, rng),
                Behind::Empties => {}
                Behind::Chance => {
                    if opens && rng.random() {
                        self.send_empty(to, rng);
                    }
                    // Not so many that libsignal's family forgets a chain: it keeps five.
                    if arrived <= 6 && rng.random() {
                        self.send(either(rng), rng);
                    }
                }
            }
        }
    }

    /// Whether a key exchange of this side has arrived.
    fn has_opened(&self, side: Side) -> bool {
        let mut arrived = self.arrived.iter();
        arrived.any(|(from, letter, _)| *from == side && letter.is_key_exchange())
    }

    fn text(&mut self) -> String {
        self.written += 1;
        format!("number {} 🌹", self.written)
    }

    fn write(&mut self, from: Side, rng: &mut StdRng) -> Letter {
        let text = self.text();
        match from {
            Side::Ours => self.juliet.write(&text, rng),
            Side::Theirs => self.romeo.write(&text, rng),
        }
    }

    fn send(&mut self, from: Side, rng: &mut StdRng) {
        let letter = self.write(from, rng);
        self.waiting.push((from, letter));
    }

    fn send_empty(&mut self, from: Side, rng: &mut StdRng) {
        let letter = match from {
            Side::Ours => {
                assert!(self.juliet.owes());
                self.juliet.write_empty(rng)
            }
            Side::Theirs => self.romeo.write_empty(rng),
        };
        self.waiting.push((from, letter));
    }

    fn deliver(&mut self, from: Side, letter: Letter, rng: &mut StdRng) -> bool {
        let is_read = match from {
            Side::Theirs => self.juliet.read(&letter, rng),
            Side::Ours => self.romeo.read(&letter),
        };
        if !is_read {
            assert!(from == Side::Ours, "lost here");
            assert!(!self.romeo.keeps_old_sessions(), "lost there");
            assert!(self.romeo.would_have_read(&letter), "lost on the way");
        }
        self.arrived.push((from, letter, is_read));
        is_read
    }

    /// They take turns. Nothing is lost once he has spoken, and each turn is a new chain of one session.
    pub(crate) fn settle(&mut self, first: Side, rng: &mut StdRng) {
        let turns = match first {
            Side::Ours => [Side::Ours, Side::Theirs],
            Side::Theirs => [Side::Theirs, Side::Ours],
        };
        for (number, from) in turns.into_iter().cycle().take(8).enumerate() {
            let letter = self.write(from, rng);
            assert!(!letter.is_key_exchange(), "not settled");
            assert!(number < 2 || letter.number() == 0, "not on one session");
            let is_read = self.deliver(from, letter, rng);
            assert!(is_read || number == 0, "not settled");
        }
    }

    /// Everything comes again: nobody reads it twice, and the next message is read.
    pub(crate) fn repeat(&mut self, rng: &mut StdRng) {
        for (from, letter, _) in self.arrived.iter().filter(|(_, _, is_read)| *is_read) {
            let is_read = match from {
                Side::Theirs => self.juliet.read(letter, rng),
                Side::Ours => self.romeo.read(letter),
            };
            assert!(!is_read, "read twice");
        }
        for from in [Side::Theirs, Side::Ours] {
            let letter = self.write(from, rng);
            assert!(self.deliver(from, letter, rng), "not read after repeats");
        }
    }
}
