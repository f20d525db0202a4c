//! How often each thing happened, and how often each has to.

use std::collections::BTreeMap;

/// What happens at least 500 times in 100,000 messages, and as much less in fewer.
const LEAST: [&str; 37] = [
    "answers from other spellings",
    "answers late",
    "answers lost",
    "archives read by a second process",
    "archives read late",
    "catch-ups at once",
    "catch-ups ended in another order",
    "clients that died",
    "clients that entered a room",
    "devices whose id was copied",
    "bundles that were copied",
    "histories sent on entering",
    "items forged",
    "lists that came late",
    "members that came",
    "members that went",
    "messages copied by Mallory",
    "messages of former members in archives",
    "messages under a name of somebody else",
    "messages with the device id of somebody else",
    "names taken by Mallory",
    "nicknames changed",
    "nicknames swapped",
    "nicknames taken after a leave",
    "nodes forgotten",
    "notifications lost",
    "offline messages lost",
    "pages read newest first",
    "pages read oldest first",
    "private messages in rooms",
    "questions about keys",
    "publications refused",
    "requests failed",
    "requests timed out",
    "results with an item",
    "results without an item",
    "streams resumed",
];

#[derive(Default)]
pub(crate) struct Counts(BTreeMap<String, u64>);

impl Counts {
    pub(crate) fn add(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_insert(0) += 1;
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what.clone()).or_insert(0) += count;
        }
    }

    fn get(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    pub(crate) fn print(&self) {
        for (what, count) in &self.0 {
            println!("{count:>8} {what}");
        }
    }

    /// Everything happened often enough, and little was lost.
    pub(crate) fn assert_least(&self, messages: u64) {
        for what in LEAST {
            let (count, least) = (self.get(what), messages / 200);
            assert!(count >= least, "{what}: {count}, not {least}");
        }
        let (read, failed) = (self.get("read"), self.get("not read"));
        // Stale bundles, as the server's answers are late: their pre-keys were used by somebody else.
        assert!(read > 50 * failed, "{failed} of {read}");
        let (encrypted, refused) = (self.get("encrypted"), self.get("refused"));
        assert!(
            encrypted > 2 * refused,
            "{refused} refused, {encrypted} encrypted"
        );
    }
}
