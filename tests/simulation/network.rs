//! What lies between the devices: it loses, delays, reorders and repeats.

use std::collections::BTreeMap;
use std::rc::Rc;

use omemo::model::{Encrypted, RecipientKey};
use rand::RngExt;
use rand::rngs::StdRng;

/// What was sent, as it goes to each device.
pub(crate) struct Stanza {
    /// The ledger's number of the message.
    pub(crate) message: usize,
    pub(crate) from: usize,
    pub(crate) elements: Vec<Encrypted<RecipientKey>>,
}

#[derive(Default)]
pub(crate) struct Network {
    /// Under way, by the time of arrival: to which device, and what.
    queue: BTreeMap<(u64, u64), (usize, Rc<Stanza>)>,
    sent: u64,
    /// Nothing is lost or late any more.
    pub(crate) is_calm: bool,
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
}

const SECOND: u64 = 1000;

impl Network {
    /// Sends to one device. Whether anything of it will arrive.
    pub(crate) fn send(
        &mut self,
        to: usize,
        stanza: &Rc<Stanza>,
        now: u64,
        rng: &mut StdRng,
    ) -> bool {
        if self.is_calm {
            self.put(to, stanza, now);
            return true;
        }
        if rng.random_range(0..100) < 3 {
            self.lost += 1;
            return false;
        }
        let copies = if rng.random_range(0..100) < 5 { 2 } else { 1 };
        self.repeated += copies - 1;
        for _ in 0..copies {
            let delay = match rng.random_range(0..100) {
                0..60 => rng.random_range(0..30),
                60..95 => rng.random_range(0..10 * 60),
                _ => rng.random_range(0..2 * 60 * 60),
            };
            self.put(to, stanza, now + delay * SECOND);
        }
        true
    }

    fn put(&mut self, to: usize, stanza: &Rc<Stanza>, at: u64) {
        self.sent += 1;
        self.queue.insert((at, self.sent), (to, stanza.clone()));
    }

    /// The next that has arrived by now.
    pub(crate) fn next_arrival(&mut self, now: u64) -> Option<(usize, Rc<Stanza>)> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the last that is under way arrives.
    pub(crate) fn last_arrival(&self) -> Option<u64> {
        self.queue.last_key_value().map(|((at, _), _)| *at)
    }
}
