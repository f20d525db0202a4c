//! What the messenger itself has asked, beside what OMEMO asks.

use std::collections::BTreeMap;

use omemo::model::BareJid;

use super::TransferId;

/// What a request was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Roster,
    Archive(Stage, Part),
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

/// The requests that are open.
#[derive(Debug, Default)]
pub(super) struct Requests {
    last: u64,
    open: BTreeMap<String, (Option<BareJid>, Asked)>,
}

impl Requests {
    /// Names a request.
    pub(super) fn open(&mut self, to: Option<&BareJid>, asked: Asked) -> String {
        self.last += 1;
        let id = format!("r{}", self.last);
        self.open.insert(id.clone(), (to.cloned(), asked));
        id
    }

    /// The request that is answered, if who answers was asked.
    pub(super) fn close(&mut self, id: &str, from: Option<&str>, own: &BareJid) -> Option<Asked> {
        let (to, _) = self.open.get(id)?;
        let from = from.map(BareJid::from_full).transpose().ok()?;
        let may_answer = match (to, from) {
            (Some(to), from) => from.as_ref() == Some(to),
            // RFC 6120 §8.1.2.1: our server speaks for our account without a name.
            (None, None) => true,
            (None, Some(from)) => from == *own || from.as_str() == own.domain(),
        };
        if !may_answer {
            return None;
        }
        self.open.remove(id).map(|(_, asked)| asked)
    }

    pub(super) fn is_open(&self, is_it: impl Fn(&Asked) -> bool) -> bool {
        self.open.values().any(|(_, asked)| is_it(asked))
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_asked_answers() {
        let own: BareJid = "juliet@capulet.example".parse().unwrap();
        let room: BareJid = "r@conference.capulet.example".parse().unwrap();
        let mut requests = Requests::default();
        let id = requests.open(None, Asked::Roster);
        assert_eq!(
            requests.close(&id, Some("romeo@montague.example"), &own),
            None
        );
        assert_eq!(requests.close(&id, None, &own), Some(Asked::Roster));
        assert_eq!(requests.close(&id, None, &own), None);
        let id = requests.open(Some(&room), Asked::Members(room.clone()));
        assert_eq!(requests.close(&id, None, &own), None);
        assert!(requests.close(&id, Some(room.as_str()), &own).is_some());
    }
}
