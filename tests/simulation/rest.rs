//! The end of a run: everybody comes back, everything arrives, and nothing is left to do.

use omemo::account::Trust;
use omemo::model::Version;

use crate::device::Phase;
use crate::ledger::Fate;
use crate::world::World;

impl World {
    /// All is read and answered; then everybody writes to everybody: once, so that everybody hears who
    /// has lost his sessions; again, in the version that was heard then. From the third time on there is
    /// no key exchange any more, and nothing is lost.
    pub(crate) fn come_to_rest(&mut self) {
        self.network.is_calm = true;
        self.settle();
        for device in self.everybody() {
            self.trust_everybody(device);
        }
        let begin = self.ledger.messages.len();
        self.all_write();
        self.all_write();
        let settled = self.ledger.messages.len();
        self.all_write();
        for message in begin..settled {
            self.check_arrived(message, false);
        }
        for message in settled..self.ledger.messages.len() {
            self.check_arrived(message, true);
        }
        for device in self.everybody() {
            self.acknowledge(device);
            let account = self.account(device);
            assert!(account.answers_due().unwrap().is_empty());
            assert!(account.repairs_due(self.time()).unwrap().is_empty());
            assert!(account.bundles_due().unwrap().is_empty());
        }
        self.check_ledger();
    }

    /// Lets everything arrive and be answered, until nothing is due.
    fn settle(&mut self) {
        for _ in 0..100 {
            if let Some(at) = self.network.last_arrival() {
                self.now = self.now.max(at);
            }
            for device in self.everybody() {
                if let Phase::Offline { .. } = self.devices[device].phase {
                    self.come_back(device);
                }
                while let Phase::CatchingUp { .. } = self.devices[device].phase {
                    self.catch_up(device);
                }
            }
            self.deliver();
            let mut done = 0;
            for device in self.everybody() {
                self.publish_bundles(device);
                self.fetch_stale(device);
                self.acknowledge(device);
                done += self.answer(device) + self.repair(device);
                done += self.devices[device].stale.len();
            }
            if done == 0 && self.network.last_arrival().is_none() {
                return;
            }
        }
        panic!("seed {}: it does not come to rest", self.seed);
    }

    /// Nobody is left out any more.
    fn trust_everybody(&mut self, device: usize) {
        for other in self.everybody() {
            let account = &self.devices[other].account;
            let (jid, key) = (account.jid().clone(), account.fingerprint());
            if other != device {
                self.set_trust(device, &jid, &key, Trust::Verified);
            }
        }
    }

    fn all_write(&mut self) {
        for device in self.everybody() {
            for person in 0..self.people.len() {
                self.now += 1000;
                let message = self.write(device, &[person], None);
                assert!(message.is_some() || self.nobody_can_read(device, person));
                self.deliver();
                self.settle();
            }
        }
    }

    /// Whether there is no version that a device writes and one of the person's devices reads; or the
    /// person has no device but this one.
    fn nobody_can_read(&self, device: usize, person: usize) -> bool {
        let readers = self.devices_of(person);
        !readers.iter().any(|reader| {
            let (reader, writer) = (&self.devices[*reader], &self.devices[device]);
            let both = |version| reader.speaks(version) && writer.speaks(version);
            reader.id() != writer.id() && Version::ALL.into_iter().any(both)
        })
    }

    fn check_arrived(&self, message: usize, is_settled: bool) {
        let message = &self.ledger.messages[message];
        for key in &message.keys {
            let is_read = matches!(key.fate, Fate::Read(..));
            let is_right = if is_settled {
                is_read && key.pre_key.is_none()
            } else {
                is_read || matches!(key.fate, Fate::Failed(_))
            };
            if !is_right {
                let what = format!(
                    "after everything has settled: {:?}",
                    self.ledger.describe(key)
                );
                self.complain(message.from, key.to, &what);
            }
        }
    }

    /// Nothing is left without an end.
    fn check_ledger(&mut self) {
        for number in 0..self.ledger.messages.len() {
            for index in 0..self.ledger.messages[number].keys.len() {
                let message = &self.ledger.messages[number];
                let key = &message.keys[index];
                let (from, to, fate) = (message.from, key.to, key.fate);
                let is_removed = self.devices[to].phase == Phase::Removed;
                match fate {
                    Fate::UnderWay if is_removed => self.ledger.count("the device was removed"),
                    Fate::Removed => {
                        assert!(is_removed);
                        self.ledger.count("the device was removed");
                    }
                    Fate::UnderWay => {
                        self.complain(from, to, &format!("message {number} has vanished"));
                    }
                    Fate::Lost => self.ledger.count("lost by the network"),
                    Fate::Read(..) | Fate::Failed(_) => {}
                }
            }
        }
    }
}
