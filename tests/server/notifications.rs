//! Notifications of device lists that get lost on their way, or come late.

use std::collections::{BTreeSet, VecDeque};

use omemo::model::BareJid;

use super::Server;

/// What happens to notifications. Nothing, unless a test says so.
#[derive(Default)]
pub(crate) struct Notifications {
    /// Clients that miss what they are told of.
    pub(crate) deaf: BTreeSet<String>,
    /// Clients that are told later: see [`Server::catch_up_notifications`].
    pub(crate) slow: BTreeSet<String>,
    /// What was missed, or is late: the client, and whose list it is.
    pub(crate) missed: Vec<(String, BareJid)>,
    late: VecDeque<(String, String)>,
}

impl Notifications {
    /// Whether a notification reaches a client now.
    pub(super) fn pass(&mut self, full: &str, owner: &BareJid, event: &str) -> bool {
        let (is_lost, is_late) = (self.deaf.contains(full), self.slow.contains(full));
        if is_lost || is_late {
            self.missed.push((full.to_owned(), owner.clone()));
        }
        if is_late && !is_lost {
            self.late.push_back((full.to_owned(), event.to_owned()));
        }
        !is_lost && !is_late
    }
}

impl Server {
    /// The oldest notification that is late comes; whether there was one.
    pub(crate) fn catch_up_notifications(&mut self) -> bool {
        let Some((full, event)) = self.notifications.late.pop_front() else {
            return false;
        };
        self.push(&full, event);
        true
    }

    /// Whether a notification of an account's lists is on its way to a client.
    pub(crate) fn is_about_to_tell(&self, full: &str, owner: &BareJid) -> bool {
        let from = format!("<message from='{owner}'><event");
        let waiting = self.waiting.get(full).into_iter().flatten();
        let late = self.notifications.late.iter();
        let late = late.filter(|(of, _)| of == full).map(|(_, event)| event);
        waiting.chain(late).any(|stanza| stanza.starts_with(&from))
    }

    /// What a client was to be told on a stream that is gone is not told any more.
    pub(super) fn forget_notifications(&mut self, full: &str) {
        self.notifications.late.retain(|(of, _)| of != full);
    }
}
