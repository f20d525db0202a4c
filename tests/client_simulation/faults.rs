//! Servers that fail: they refuse, fall silent, forget, and lose what they were to pass on.

use omemo::client::IqRequest;
use omemo::model::BareJid;
use rand::RngExt;

use crate::person::{NURSE, TYBALT};
use crate::server::refuse;
use crate::server::stage::{HOUR, JULIET, MALLORY, MINUTE, ROMEO, jid};
use crate::world::World;

/// A server that does not answer for an account, for a while.
pub(crate) struct Outage {
    jid: BareJid,
    /// `None`: nothing at all comes back.
    condition: Option<&'static str>,
    pub(crate) until: u64,
}

const OF_SERVERS: [Option<&str>; 7] = [
    Some("remote-server-timeout"),
    Some("remote-server-not-found"),
    Some("internal-server-error"),
    Some("service-unavailable"),
    Some("forbidden"),
    Some("item-not-found"),
    None,
];

const OF_PUBLICATIONS: [&str; 4] = [
    "precondition-not-met",
    "conflict",
    "not-acceptable",
    "internal-server-error",
];

impl World {
    /// What comes back of a request, if anything.
    pub(crate) fn answer_of_server(
        &mut self,
        person: usize,
        request: &IqRequest,
    ) -> Option<String> {
        let full = self.people[person].full.clone();
        let own = self.people[person].jid();
        let asked = request.to.clone().unwrap_or_else(|| own.clone());
        if asked == jid(TYBALT) {
            return Some(refuse(request, "remote-server-not-found"));
        }
        let outage = self.outages.iter().find(|outage| outage.jid == asked);
        if let Some(condition) = outage.map(|outage| outage.condition) {
            self.is_blind(person, &asked);
            return condition.map(|condition| self.fail(request, condition));
        }
        let fate = if self.is_at_rest {
            40
        } else {
            self.rng.random_range(0..40)
        };
        if fate == 0 {
            self.is_blind(person, &asked);
            return None;
        }
        if fate == 1 && asked != own {
            self.is_blind(person, &asked);
            let conditions: Vec<_> = OF_SERVERS.into_iter().flatten().collect();
            let condition = conditions[self.rng.random_range(0..conditions.len())];
            return Some(self.fail(request, condition));
        }
        let (deaf, slow) = (self.some_clients(12), self.some_clients(12));
        self.server.notifications.deaf = deaf;
        self.server.notifications.slow = slow;
        let answer = self.server.answer(&full, request);
        self.note_missed();
        self.look_for_clear_text();
        let answer = answer.unwrap();
        match fate {
            2 => {
                self.counts.add("answers lost");
                self.is_blind(person, &asked);
                None
            }
            3..6 => Some(self.spell_otherwise(request, &full, answer)),
            _ => Some(answer),
        }
    }

    fn fail(&mut self, request: &IqRequest, condition: &str) -> String {
        self.counts.add("requests failed");
        self.counts.add(&format!("requests failed: {condition}"));
        refuse(request, condition)
    }

    /// Clients that miss what happens now.
    fn some_clients(&mut self, one_in: u32) -> std::collections::BTreeSet<String> {
        let all: Vec<_> = self
            .people
            .iter()
            .map(|person| person.full.clone())
            .collect();
        let is_at_rest = self.is_at_rest;
        all.into_iter()
            .filter(|_| !is_at_rest && self.one_in(one_in))
            .collect()
    }

    /// What clients were not told of, they cannot know for a while.
    fn note_missed(&mut self) {
        for (full, owner) in core::mem::take(&mut self.server.notifications.missed) {
            let is_lost = self.server.notifications.deaf.contains(&full);
            let person = self
                .people
                .iter()
                .position(|person| person.full == full)
                .unwrap();
            if self.people[person].is_online {
                self.counts.add(if is_lost {
                    "notifications lost"
                } else {
                    "lists that came late"
                });
            }
            self.is_blind(person, &owner);
        }
    }

    /// A client may know less of an account's devices than there is to know.
    fn is_blind(&mut self, person: usize, owner: &BareJid) {
        let now = self.now;
        self.people[person].blind.insert(owner.clone(), now);
    }

    /// Another spelling of an address that may answer.
    fn spell_otherwise(&mut self, request: &IqRequest, full: &str, answer: String) -> String {
        self.counts.add("answers from other spellings");
        match &request.to {
            Some(to) => {
                let spelt = to.as_str().to_uppercase();
                answer.replacen(&format!(" from='{to}'"), &format!(" from='{spelt}'"), 1)
            }
            None => {
                let own = jid(full);
                let spelt = match self.rng.random_range(0..4) {
                    0 => own.to_string(),
                    1 => own.as_str().to_uppercase(),
                    2 => own.domain().to_owned(),
                    // RFC 3920 allowed that.
                    _ => full.to_owned(),
                };
                answer.replacen("<iq", &format!("<iq from='{spelt}'"), 1)
            }
        }
    }

    /// Something on the servers' side goes wrong.
    pub(crate) fn fault(&mut self) {
        match self.rng.random_range(0..8) {
            0 | 1 => {
                let nodes = self.server.nodes();
                if !nodes.is_empty() {
                    let (owner, node) = nodes[self.rng.random_range(0..nodes.len())].clone();
                    self.server.forget(&owner, &node);
                    self.counts.add("nodes forgotten");
                    for person in 0..self.people.len() {
                        self.is_blind(person, &owner);
                    }
                }
            }
            2..7 => {
                let condition = OF_PUBLICATIONS[self.rng.random_range(0..OF_PUBLICATIONS.len())];
                self.server.refusals.push_back(condition.to_owned());
                self.counts.add("publications refused");
            }
            _ => {
                let whose = [JULIET, ROMEO, NURSE, MALLORY][self.rng.random_range(0..4)];
                let condition = OF_SERVERS[self.rng.random_range(0..OF_SERVERS.len())];
                let until = self.now + self.rng.random_range(MINUTE..HOUR);
                self.outages.push(Outage {
                    jid: jid(whose),
                    condition,
                    until,
                });
                self.counts.add("servers that were out of order");
            }
        }
    }

    pub(crate) fn end_faults(&mut self) {
        self.outages.clear();
        self.server.refusals.clear();
        self.server.notifications.deaf.clear();
        self.server.notifications.slow.clear();
    }
}
