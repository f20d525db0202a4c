//! What the user is asked about keys, and what he answers some time later.

use omemo::account::Trust;
use omemo::client::{IdentityQuestion, TrustQuestion};
use omemo::model::{BareJid, Fingerprint};

use crate::server::stage::{MALLORY, jid};
use crate::world::World;

impl World {
    /// The user answers a question, if there is one.
    pub(crate) fn decide(&mut self, person: usize) {
        if let Some(question) = self.people[person].questions.pop() {
            self.counts.add("questions about keys");
            self.decide_about_keys(person, question);
        }
        if let Some(question) = self.people[person].identity_questions.pop() {
            self.counts.add("questions about changed keys");
            self.decide_about_identities(person, question);
        }
    }

    /// The keys of friends he knows, the others he distrusts, or he puts it off.
    fn decide_about_keys(&mut self, person: usize, question: TrustQuestion) {
        let now = self.time();
        if self.one_in(3) {
            let client = &mut self.people[person].client;
            return client.send_anyway(question.ticket, now).unwrap();
        }
        for key in question.keys {
            let is_right = self.is_key_of(&key.jid, &key.fingerprint);
            let trust = if is_right {
                Trust::Verified
            } else {
                Trust::Distrusted
            };
            let client = &mut self.people[person].client;
            client
                .decide(&key.jid, &key.fingerprint, trust, now)
                .unwrap();
        }
    }

    /// Nobody but Mallory shows another key than before.
    fn decide_about_identities(&mut self, person: usize, question: IdentityQuestion) {
        let now = self.time();
        for changed in question.changed {
            assert_eq!(changed.jid, jid(MALLORY));
            let is_right = self.is_key_of(&changed.jid, &changed.shown);
            let client = &mut self.people[person].client;
            let answer = if is_right {
                client.accept_identity(&changed.jid, changed.device, &changed.shown, now)
            } else {
                client.decide(&changed.jid, &changed.shown, Trust::Distrusted, now)
            };
            answer.unwrap();
        }
    }

    fn is_key_of(&self, jid: &BareJid, key: &Fingerprint) -> bool {
        let mut people = self.people.iter();
        people.any(|person| person.client.account().fingerprint() == *key && person.jid() == *jid)
    }
}
