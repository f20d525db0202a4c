//! The messages that were sent last, by their ids: which of them comes back.

use std::collections::{BTreeMap, VecDeque};

use omemo::client::Ticket;
use omemo::model::BareJid;

use super::Recipient;

/// Of how many messages that is known.
const MAX_SENT: usize = 1000;

/// The messages that were sent last.
#[derive(Debug, Default)]
pub(super) struct Sent {
    by_id: BTreeMap<String, (Recipient, Ticket)>,
    /// The ids, the oldest first.
    order: VecDeque<String>,
}

impl Sent {
    /// A message goes out under that id, which nobody but its recipients can know.
    pub(super) fn keep(&mut self, id: String, to: Recipient, ticket: Ticket) {
        if self.order.len() >= MAX_SENT
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        self.order.push_back(id.clone());
        self.by_id.insert(id, (to, ticket));
    }

    /// The id of the message that was sent last.
    #[cfg(test)]
    pub(super) fn last(&self) -> Option<&str> {
        self.order.back().map(String::as_str)
    }

    /// The message of that id comes back, if it is from whom it went to. A room gives its messages back
    /// itself: its occupants know their ids too.
    pub(super) fn take(&mut self, id: &str, from: &str) -> Option<Ticket> {
        let (to, ticket) = self.by_id.get(id)?;
        let may_return = match to {
            Recipient::Room(room) => room.is_spelt(from),
            Recipient::Account(jid) => BareJid::from_full(from).is_ok_and(|from| from == *jid),
        };
        if !may_return {
            return None;
        }
        let ticket = *ticket;
        self.by_id.remove(id);
        Some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_once_and_from_whom_it_went_to() {
        let room: BareJid = "garden@rooms.capulet.example".parse().unwrap();
        let romeo: BareJid = "romeo@montague.example".parse().unwrap();
        let mut sent = Sent::default();
        let (first, second) = (Ticket::from_number(1), Ticket::from_number(2));
        sent.keep("a".to_owned(), Recipient::Room(room.clone()), first);
        sent.keep("b".to_owned(), Recipient::Account(romeo.clone()), second);
        assert_eq!(sent.take("a", "garden@rooms.capulet.example/mallory"), None);
        assert_eq!(sent.take("b", "mallory@capulet.example"), None);
        assert_eq!(sent.take("c", room.as_str()), None);
        assert_eq!(sent.take("a", room.as_str()), Some(first));
        assert_eq!(sent.take("a", room.as_str()), None);
        assert_eq!(
            sent.take("b", "romeo@montague.example/orchard"),
            Some(second)
        );
    }

    #[test]
    fn only_the_last_ones_are_known() {
        let romeo: BareJid = "romeo@montague.example".parse().unwrap();
        let mut sent = Sent::default();
        for number in 0..=MAX_SENT as u64 {
            let to = Recipient::Account(romeo.clone());
            sent.keep(number.to_string(), to, Ticket::from_number(number));
        }
        assert_eq!(sent.by_id.len(), MAX_SENT);
        assert_eq!(sent.take("0", romeo.as_str()), None);
        assert!(sent.take("1", romeo.as_str()).is_some());
    }
}
