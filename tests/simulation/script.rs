//! What happens: people write, go away, come back, get devices and lose them, break their stores.

use omemo::account::Arrival;
use omemo::model::Version;

use crate::device::Phase;
use crate::world::{HOUR, MAX_DEVICES, MINUTE, PEOPLE, World};

/// Nobody is away for longer.
const LONGEST_ABSENCE: u64 = 4 * 24 * HOUR;

impl World {
    /// Runs until so many messages were encrypted, and to a quiet end.
    pub(crate) fn run(&mut self, messages: u64) {
        while self.written < messages {
            self.step();
        }
        self.come_to_rest();
    }

    fn step(&mut self) {
        self.now += self.draw(0, 80 * 1000) as u64;
        self.come_and_go();
        self.deliver();
        let here = self.everybody();
        let here: Vec<_> = here
            .into_iter()
            .filter(|n| self.devices[*n].is_here())
            .collect();
        let Some(device) = self.one_of(&here) else {
            return;
        };
        match self.draw(0, 9999) {
            0..4 => {
                let person = self.devices[device].person;
                if self.devices_of(person).len() < MAX_DEVICES {
                    self.add_device(person);
                }
            }
            4..8 => {
                let own = self.devices_of(self.devices[device].person);
                let removed = self.one_of(&own).unwrap();
                if removed != device {
                    self.remove_device(device, removed);
                }
            }
            8..40 => self.back_up(device),
            40..48 => self.restore(device),
            48..60 => self.reset(device),
            60..80 => {
                let person = self.draw(0, PEOPLE - 1);
                self.decide(device, person);
            }
            80..100 => {
                let now = self.time();
                self.devices[device].restart(now, &mut self.rng);
            }
            100..170 => self.go_away(device),
            _ => self.somebody_writes(device),
        }
        let device = self.one_of(&here).unwrap();
        if self.devices[device].is_here() {
            self.attend(device);
        }
    }

    fn somebody_writes(&mut self, device: usize) {
        let own = self.devices[device].person;
        let favourite = (own + if self.happens(50) { 1 } else { PEOPLE - 1 }) % PEOPLE;
        let mut people = vec![if self.happens(70) {
            favourite
        } else {
            self.draw(0, PEOPLE - 1)
        }];
        if self.happens(3) {
            for _ in 0..self.draw(1, 4) {
                let other = self.draw(0, PEOPLE - 1);
                if !people.contains(&other) {
                    people.push(other);
                }
            }
        }
        let one = match self.draw(0, 19) {
            0 => Some(Version::Legacy),
            1 => Some(Version::Omemo2),
            _ => None,
        };
        // A few in a row, as people write.
        for _ in 0..self.draw(1, 3) {
            self.write(device, &people, one);
        }
    }

    fn go_away(&mut self, device: usize) {
        let longest = if self.happens(20) {
            LONGEST_ABSENCE
        } else {
            6 * HOUR
        };
        let minutes = self.draw(5, (longest / MINUTE) as usize);
        self.devices[device].phase = Phase::Offline {
            until: self.now + minutes as u64 * MINUTE,
        };
    }

    /// Who is back catches up with a page.
    fn come_and_go(&mut self) {
        for device in self.everybody() {
            match self.devices[device].phase {
                Phase::Offline { until } if until <= self.now => self.come_back(device),
                Phase::CatchingUp { .. } => self.catch_up(device),
                _ => {}
            }
        }
    }

    pub(crate) fn come_back(&mut self, device: usize) {
        let kind = self.draw(0, 2);
        let newest_first = kind == 2;
        let catch_up = self.begin_catch_up(device, newest_first);
        let arrival = match kind {
            0 => Arrival::Delayed,
            _ => Arrival::Archived(catch_up),
        };
        // The archive does not know exactly what was read.
        if arrival != Arrival::Delayed && self.happens(30) {
            let device = &mut self.devices[device];
            let missed = core::mem::take(&mut device.archive);
            device.archive = device.recent.iter().cloned().chain(missed).collect();
        }
        self.devices[device].phase = Phase::CatchingUp {
            catch_up,
            newest_first,
            arrival,
        };
        if self.happens(50) {
            self.fetch_stale(device);
        }
    }

    /// Reads a page of what has come while a device was away.
    pub(crate) fn catch_up(&mut self, device: usize) {
        let Phase::CatchingUp {
            catch_up,
            newest_first,
            arrival,
        } = self.devices[device].phase
        else {
            return;
        };
        let size = self.draw(1, 60);
        let archive = &mut self.devices[device].archive;
        let size = size.min(archive.len());
        let page: Vec<_> = if newest_first {
            archive
                .split_off(archive.len() - size)
                .into_iter()
                .rev()
                .collect()
        } else {
            archive.drain(..size).collect()
        };
        if !page.is_empty() {
            self.read(device, &page, arrival);
            self.answer(device);
        }
        if self.devices[device].archive.is_empty() {
            self.devices[device].phase = Phase::Online;
            self.end_catch_up(device, catch_up);
        }
    }

    /// Everything that is there by now is read, or kept for who is away.
    pub(crate) fn deliver(&mut self) {
        while let Some((to, stanza)) = self.network.next_arrival(self.now) {
            match self.devices[to].phase {
                Phase::Removed => {
                    if let Some(key) = self.ledger.key(stanza.message, to) {
                        key.fate = crate::ledger::Fate::Removed;
                    }
                }
                Phase::Offline { .. } => self.devices[to].archive.push(stanza),
                Phase::Online | Phase::CatchingUp { .. } => {
                    self.read(to, &[stanza], Arrival::Live);
                    if self.network.is_calm || self.happens(50) {
                        self.answer(to);
                    }
                }
            }
        }
    }

    fn back_up(&mut self, device: usize) {
        let (now, is_killed) = (self.time(), self.happens(30));
        self.devices[device].back_up(is_killed, now, &mut self.rng);
    }

    fn restore(&mut self, device: usize) {
        let now = self.time();
        if !self.devices[device].restore(now, &mut self.rng) {
            return;
        }
        self.ledger.count("stores restored");
        for other in self.everybody() {
            let event = format!("{} the store of {device} is restored", self.now);
            self.ledger.note(device, other, event);
        }
        if let Phase::CatchingUp {
            newest_first,
            arrival,
            ..
        } = self.devices[device].phase
        {
            // The restored store may know nothing of it.
            let catch_up = self.begin_catch_up(device, newest_first);
            let arrival = match arrival {
                Arrival::Archived(_) => Arrival::Archived(catch_up),
                other => other,
            };
            self.devices[device].phase = Phase::CatchingUp {
                catch_up,
                newest_first,
                arrival,
            };
        }
        // What its client knows of lists is old too.
        for jid in self.people.clone() {
            for version in Version::ALL {
                self.devices[device].stale.insert((jid.clone(), version));
            }
        }
        self.fetch_stale(device);
        if self.happens(70) {
            self.publish_bundles(device);
        }
    }

    /// A user sets up his sessions with somebody anew; often the other one does too.
    fn reset(&mut self, device: usize) {
        let person = self.draw(0, PEOPLE - 1);
        let (jid, now) = (self.people[person].clone(), self.time());
        self.account(device)
            .reset_sessions(&jid, None, now)
            .unwrap();
        let own = self.devices[device].jid().clone();
        for other in self.devices_of(person) {
            if other != device && self.happens(50) {
                self.account(other).reset_sessions(&own, None, now).unwrap();
                let writer = self.devices[device].person;
                self.write(other, &[writer], None);
            }
        }
        self.write(device, &[person], None);
    }
}
