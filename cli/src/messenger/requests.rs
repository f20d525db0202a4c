//! The requests of the messenger itself, beside those of OMEMO: who may answer, and until when.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use omemo::model::BareJid;

use super::{MessengerError, TransferId, random_id};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a page of an archive may take: its messages come before the answer.
const PATIENCE_WITH_ARCHIVES: Duration = Duration::from_secs(180);

/// What a request was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Roster,
    Blocklist,
    Archive(Stage, Part),
    /// To enter a room. It is answered by our own presence in it, or an error.
    Entry(BareJid),
    Members(BareJid),
    Services,
    Service(BareJid),
    Slot(TransferId),
    Sync,
    /// The answer means nothing.
    Nothing,
}

/// Before this client is visible to others, or after: what comes in between is sent to it directly, or
/// kept for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is no place in the archive yet: where does it end?
    End,
    Before,
    After,
}

/// Which part of the archive was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What is behind a place in it.
    Behind,
    /// All of it.
    All,
    /// None: there is no place in it yet.
    Nothing,
}

/// Who may answer our server's requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own<'a> {
    pub(super) jid: &'a BareJid,
    /// With the resource.
    pub(super) full_jid: &'a str,
}

impl Own<'_> {
    /// Our server speaks for our account: without a name or with the account's (RFC 6120 §8.1.2.1), with this
    /// client's, as RFC 3920 allowed, or with its own.
    fn is_spoken_for_by(&self, from: Option<&str>) -> bool {
        from.is_none_or(|from| {
            self.jid.is_spelt(from) || from == self.full_jid || from == self.jid.domain()
        })
    }
}

#[derive(Debug)]
struct Open {
    to: Option<BareJid>,
    asked: Asked,
    until: Instant,
}

/// The requests that are open.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: BTreeMap<String, Open>,
}

impl Requests {
    /// Names a request. Nobody can guess the name, so that only who was sent it can answer.
    ///
    /// # Errors
    /// [`MessengerError::Random`].
    pub(super) fn open(
        &mut self,
        to: Option<&BareJid>,
        asked: Asked,
    ) -> Result<String, MessengerError> {
        let id = random_id()?;
        let patience = match asked {
            Asked::Archive(..) => PATIENCE_WITH_ARCHIVES,
            _ => PATIENCE,
        };
        let open = Open {
            to: to.cloned(),
            asked,
            until: Instant::now() + patience,
        };
        self.open.insert(id.clone(), open);
        Ok(id)
    }

    /// The request that is answered, if whoever answers was asked. An occupant of a room is not the room: the
    /// whole address counts.
    pub(super) fn close(&mut self, id: &str, from: Option<&str>, own: Own<'_>) -> Option<Asked> {
        let open = self.open.get(id)?;
        let may_answer = match &open.to {
            Some(to) => from.is_some_and(|from| to.is_spelt(from)),
            None => own.is_spoken_for_by(from),
        };
        if !may_answer {
            return None;
        }
        self.open.remove(id).map(|open| open.asked)
    }

    /// Nobody waits for these answers any more.
    pub(super) fn give_up(&mut self, is_it: impl Fn(&Asked) -> bool) {
        self.open.retain(|_, open| !is_it(&open.asked));
    }

    /// A request whose answer is due at that time, and has not come.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Asked> {
        let (id, _) = self.open.iter().find(|(_, open)| open.until <= now)?;
        let id = id.clone();
        self.open.remove(&id).map(|open| open.asked)
    }

    /// When the next answer is due.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.open.values().map(|open| open.until).min()
    }

    pub(super) fn is_open(&self, is_it: impl Fn(&Asked) -> bool) -> bool {
        self.open.values().any(|open| is_it(&open.asked))
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jid(text: &str) -> BareJid {
        text.parse().unwrap()
    }

    #[test]
    fn only_whoever_was_asked_answers() {
        let account = jid("juliet@capulet.example");
        let own = Own {
            jid: &account,
            full_jid: "juliet@capulet.example/balcony",
        };
        let room = jid("r@conference.capulet.example");
        let mut requests = Requests::default();
        for strange in [
            "romeo@montague.example",
            "juliet@capulet.example/chamber",
            "montague.example",
            "capulet.example/x",
            "",
        ] {
            let id = requests.open(None, Asked::Roster).unwrap();
            assert_eq!(requests.close(&id, Some(strange), own), None, "{strange}");
        }
        for from in [
            None,
            Some("Juliet@capulet.example"),
            Some("juliet@capulet.example/balcony"),
            Some("capulet.example"),
        ] {
            let id = requests.open(None, Asked::Roster).unwrap();
            assert_eq!(requests.close("r1", from, own), None);
            assert_eq!(requests.close(&id, from, own), Some(Asked::Roster));
            assert_eq!(requests.close(&id, from, own), None);
        }
        let id = requests
            .open(Some(&room), Asked::Members(room.clone()))
            .unwrap();
        for strange in [
            None,
            Some("r@conference.capulet.example/mallory"),
            Some("r@conference.capulet.example/"),
            Some("juliet@capulet.example"),
        ] {
            assert_eq!(requests.close(&id, strange, own), None, "{strange:?}");
        }
        assert!(requests.close(&id, Some(room.as_str()), own).is_some());
    }

    #[test]
    fn names_cannot_be_guessed() {
        let mut requests = Requests::default();
        let mut ids: Vec<_> = (0..100)
            .map(|_| requests.open(None, Asked::Nothing).unwrap())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() >= 32));
    }

    #[test]
    fn requests_end_in_time() {
        let mut requests = Requests::default();
        let begun = Instant::now();
        requests.open(None, Asked::Sync).unwrap();
        requests
            .open(None, Asked::Archive(Stage::After, Part::All))
            .unwrap();
        assert_eq!(requests.expire(begun), None);
        let due = requests.next_expiry().unwrap();
        assert!(due >= begun + PATIENCE);
        assert_eq!(requests.expire(due), Some(Asked::Sync));
        assert_eq!(requests.expire(due), None);
        let due = requests.next_expiry().unwrap();
        assert!(requests.expire(due).is_some());
        assert_eq!(requests.next_expiry(), None);
    }
}
