//! What an application does with the actions of its client.

use omemo::client::{Action, Answer, Delivery, IqRequest, RequestId, Undecryptable};
use omemo::stanza::RequestKind;
use rand::RngExt;
use roxmltree::Document;

use crate::messages::MARK;
use crate::server::stage::{body, jid};
use crate::world::World;

impl World {
    /// Everything that is to be done, is.
    pub(crate) fn act_all(&mut self, person: usize) {
        while self.act(person) {}
    }

    /// One action of a client; whether there was one.
    pub(crate) fn act(&mut self, person: usize) -> bool {
        let Some(action) = self.people[person].client.next_action() else {
            self.people[person].idle_at = self.now;
            // What waits for its writer's name is in memory alone.
            if self.people[person].client.unnamed() == 0 {
                self.people[person].keep();
            }
            return false;
        };
        match action {
            Action::Request(request) => self.ask(person, &request),
            Action::Encrypted(message) => {
                let Some(number) = self.people[person].given.remove(&message.ticket) else {
                    panic!("{:?} was not given, or came twice", message.ticket);
                };
                self.counts.add("encrypted");
                self.check_report(person, number, &message.report);
                self.send_message(person, number, &message.stanza);
            }
            Action::Refused(refused) => {
                let number = self.people[person].given.remove(&refused.ticket).unwrap();
                self.check_refusal(person, number, &refused.reason);
                self.messages[number].is_refused = true;
            }
            Action::Send(stanza) => {
                self.counts.add("empty");
                self.send(person, &stanza);
            }
            Action::Deliver(delivery) => self.show(person, &delivery),
            Action::Undecryptable(what) => self.show_failure(person, what),
            Action::DecideTrust(question) => self.people[person].questions.push(question),
            Action::DecideIdentity(question) => {
                self.people[person].identity_questions.push(question);
            }
            Action::AskMembers(room) => {
                self.counts.add("rooms asked for their members");
                self.people[person].asked.push(room);
            }
            Action::Notice(notice) => {
                let what = format!("{notice:?}");
                let (what, _) = what.split_once(['(', ' ']).unwrap_or((&what, ""));
                self.counts.add(&format!("notice: {what}"));
            }
            _ => {}
        }
        true
    }

    fn ask(&mut self, person: usize, request: &IqRequest) {
        assert!(self.people[person].is_online);
        // A server sends what it says in the order in which it says it: the answer to a question that is late is as
        // new as what has come before it.
        let is_late = !self.is_at_rest && self.rng.random_ratio(6, 40);
        if is_late && request.kind == RequestKind::Get {
            self.people[person].late.push((request.clone(), None));
            return;
        }
        let Some(answer) = self.answered(person, request) else {
            return;
        };
        if is_late {
            let late = (request.clone(), Some(answer));
            self.people[person].late.push(late);
        } else {
            self.answer(person, request.id, &answer);
        }
    }

    fn answered(&mut self, person: usize, request: &IqRequest) -> Option<String> {
        let answer = self.answer_of_server(person, request);
        self.trace(|| {
            let (full, asked) = (&self.people[person].full, request.to_string());
            let answer = answer
                .as_deref()
                .map(|answer| answer.chars().take(600).collect::<String>());
            format!("{full} asks {:.400}: {answer:?}", asked)
        });
        if answer.is_none() {
            self.counts.add("requests timed out");
        }
        answer
    }

    fn answer(&mut self, person: usize, id: RequestId, answer: &str) {
        let now = self.time();
        let client = &mut self.people[person].client;
        client.answer(id, Answer::Stanza(answer), now).unwrap();
    }

    pub(crate) fn answer_late(&mut self, person: usize) {
        let late = self.people[person].late.len();
        if late > 0 {
            let which = self.rng.random_range(0..late);
            let (request, answer) = self.people[person].late.swap_remove(which);
            if let Some(answer) = answer.or_else(|| self.answered(person, &request)) {
                self.counts.add("answers late");
                self.answer(person, request.id, &answer);
            }
        }
    }

    /// A text is shown, and stored, unless the application dies first.
    fn show(&mut self, person: usize, delivery: &Delivery) {
        let text = body(&delivery.stanza);
        let (number, _) = text.split_once(' ').unwrap();
        let number: usize = number.parse().unwrap();
        assert_eq!(text, format!("{number} {MARK}"));
        self.check_sender(person, number, delivery);
        let is_kept = !self.one_in(10);
        let reader = &mut self.people[person];
        let known = reader.read.insert(number, delivery.id);
        if is_kept {
            reader.client.acknowledge(&[delivery.id]).unwrap();
        }
        if known.is_some_and(|id| id != delivery.id) {
            self.wrong("read twice", &format!("{number}"));
        }
    }

    fn show_failure(&mut self, person: usize, what: Undecryptable) {
        let document = Document::parse(&what.stanza).unwrap();
        let id = document.root_element().attribute("id").unwrap_or_default();
        let from = document.root_element().attribute("from").map(jid);
        let own = self.people[person].jid();
        assert!(what.from == from || from.is_none() && what.from == Some(own));
        // A copy of a message has another id.
        if let Ok(number) = id.parse::<usize>() {
            self.trace(|| {
                let (full, origin) = (&self.people[person].full, what.origin);
                format!("{number} not read by {full}: {:?} {origin:?}", what.reason)
            });
            self.people[person].failed.insert(number, what.reason);
        } else {
            self.counts.add("not read: of what was copied");
        }
    }
}
