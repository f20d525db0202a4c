//! Reading what was written while nobody was here (XEP-0313, XEP-0059).

use omemo::account::Order;
use roxmltree::Node;

use super::requests::{Asked, Part, Stage};
use super::{Event, Messenger, MessengerError, PING, Position, Trouble, now, random_id, why_not};
use crate::xmpp::element::{child, escape};

const MAM: &str = "urn:xmpp:mam:2";
const RSM: &str = "http://jabber.org/protocol/rsm";
/// How many messages are asked for at once.
const PAGE: u32 = 100;
impl Messenger {
    pub(super) fn begin_catch_up(&mut self) -> Result<(), MessengerError> {
        let begun = self.omemo.begin_catch_up(Order::OldestFirst, now())?;
        // That of a stream which was lost: begun first, the new one keeps what the old one has kept.
        if let Some(lost) = self.catch_up.replace(begun) {
            self.omemo.end_catch_up(lost, now())?;
        }
        self.pages.clear();
        match self.folder.position() {
            Position::Behind(position) => self.ask_archive(Stage::Before, Some(&position)),
            Position::Lost => self.ask_archive(Stage::Before, None),
            // A new device: what was written before was not written for it.
            Position::New => {
                let query = format!(
                    "<query xmlns='{MAM}'><set xmlns='{RSM}'><max>1</max><before/></set></query>"
                );
                let asked = Asked::Archive(Stage::End, Part::Nothing);
                self.ask(None, "set", &query, asked)
            }
        }
    }

    /// Asks for what is behind a place, or for everything.
    fn ask_archive(&mut self, stage: Stage, position: Option<&str>) -> Result<(), MessengerError> {
        // Its own for each page: a result that comes late belongs to no other one.
        let id = random_id()?;
        if let Some(catch_up) = self.catch_up {
            self.query = Some(self.omemo.expect_archive(catch_up, None, Some(&id)));
        }
        let (after, part) = match position {
            Some(position) => (format!("<after>{}</after>", escape(position)), Part::Behind),
            None => (String::new(), Part::All),
        };
        let query = format!(
            "<query xmlns='{MAM}' queryid='{id}'><set xmlns='{RSM}'><max>{PAGE}</max>\
             {after}</set></query>"
        );
        self.ask(None, "set", &query, Asked::Archive(stage, part))
    }

    /// A page has come, or will not.
    pub(super) fn archive_answered(
        &mut self,
        stage: Stage,
        part: Part,
        answer: Option<Node<'_, '_>>,
    ) -> Result<(), MessengerError> {
        if let Some(query) = self.query.filter(|_| part != Part::Nothing) {
            self.omemo.end_page(query, now())?;
        }
        match answer.and_then(|answer| child(answer, MAM, "fin")) {
            Some(fin) => self.page_ended(stage, part, fin),
            None if part == Part::Nothing => self.stage_ended(stage, true),
            None => {
                let why = why_not(answer);
                if part == Part::Behind && why == "item-not-found" {
                    // XEP-0313 §4.1.4: what was read last is not kept any more.
                    self.events.push_back(Event::Trouble(Trouble::ArchiveCut));
                    return self.ask_archive(stage, None);
                }
                // Before the presence it does not matter: behind it the same is asked again.
                if stage == Stage::After {
                    self.events.push_back(Event::Trouble(Trouble::Archive(why)));
                }
                self.stage_ended(stage, false)
            }
        }
    }

    fn page_ended(
        &mut self,
        stage: Stage,
        part: Part,
        fin: Node<'_, '_>,
    ) -> Result<(), MessengerError> {
        let last = child(fin, RSM, "set").and_then(|set| child(set, RSM, "last"));
        let last = last.and_then(|last| last.text());
        match last {
            Some(last) => self.folder.keep_position(last),
            // Nothing is in it: all that will be is for this device.
            None if part == Part::Nothing => self.folder.keep_position(""),
            None => {}
        }
        let is_complete = matches!(fin.attribute("complete"), Some("true" | "1"));
        match last {
            Some(last) if !is_complete && part != Part::Nothing => {
                // An archive that gives pages again would be read for ever.
                if !self.pages.insert(last.to_owned()) {
                    self.events
                        .push_back(Event::Trouble(Trouble::ArchiveRepeats));
                    return self.stage_ended(stage, false);
                }
                self.ask_archive(stage, Some(last))
            }
            _ => self.stage_ended(stage, true),
        }
    }

    /// Whether the archive was read as far as it goes, or failed.
    fn stage_ended(&mut self, stage: Stage, is_read: bool) -> Result<(), MessengerError> {
        match stage {
            Stage::End | Stage::Before => self.appear()?,
            Stage::After => {
                if let Some(catch_up) = self.catch_up.take() {
                    self.omemo.end_catch_up(catch_up, now())?;
                }
                self.is_caught_up = true;
                // A place behind what could not be read would hide it for ever.
                self.keeps_position = is_read;
                // What is published before it is known who sees us, ejabberd tells only our own server's.
                self.omemo.connected(now())?;
            }
        }
        Ok(())
    }

    /// Presence: from now on messages come here.
    fn appear(&mut self) -> Result<(), MessengerError> {
        self.pages.clear();
        let caps = self.caps.announcement();
        self.stream.send(format!("<presence>{caps}</presence>"));
        match self.folder.position() {
            Position::Behind(position) => self.ask_archive(Stage::After, Some(&position)),
            Position::Lost => self.ask_archive(Stage::After, None),
            // An archive with nothing in it, or none: the answer still marks the end of what was kept.
            Position::New => {
                let asked = Asked::Archive(Stage::After, Part::Nothing);
                self.ask(None, "get", PING, asked)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::Rehearsal;
    use super::*;

    const OWN: &str = "juliet@capulet.example";

    fn error(condition: &str) -> String {
        format!(
            "<error type='cancel'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        )
    }

    fn fin(last: &str) -> String {
        format!(
            "<fin xmlns='{MAM}' complete='true'><set xmlns='{RSM}'><last>{last}</last></set></fin>"
        )
    }

    fn behind(id: &str) -> Position {
        Position::Behind(id.to_owned())
    }

    fn live(id: &str) -> String {
        format!(
            "<message from='romeo@montague.example/orchard'><body>Ay me!</body>\
             <stanza-id xmlns='urn:xmpp:sid:0' by='{OWN}' id='{id}'/></message>"
        )
    }

    #[tokio::test]
    async fn an_archive_that_fails_is_asked_again_from_the_same_place() {
        let mut rehearsal = Rehearsal::new(Some("seen"));
        let failure = error("internal-server-error");
        rehearsal
            .answer("<after>seen<", "error", OWN, &failure)
            .await;
        rehearsal
            .answer("<after>seen<", "error", OWN, &failure)
            .await;
        assert!(matches!(
            &rehearsal.events()[..],
            [Event::Trouble(Trouble::Archive(why))] if why == "internal-server-error"
        ));
        rehearsal.say(&live("later"));
        assert_eq!(rehearsal.folder.position(), behind("seen"));
    }

    #[tokio::test]
    async fn a_place_that_was_lost_is_not_skipped_over() {
        let mut rehearsal = Rehearsal::new(Some(""));
        rehearsal.hear("<max>100</max></set>").await;
    }

    #[tokio::test]
    async fn what_comes_into_an_empty_archive_is_not_skipped_over() {
        let mut rehearsal = Rehearsal::new(None);
        let empty = format!("<fin xmlns='{MAM}' complete='true'><set xmlns='{RSM}'/></fin>");
        rehearsal.answer("<before/>", "result", OWN, &empty).await;
        assert_eq!(rehearsal.folder.position(), Position::Lost);
        rehearsal.hear("<max>100</max></set>").await;
    }

    #[tokio::test]
    async fn a_failure_that_has_passed_hides_nothing() {
        let mut rehearsal = Rehearsal::new(Some("seen"));
        let failure = error("internal-server-error");
        rehearsal
            .answer("<after>seen<", "error", OWN, &failure)
            .await;
        rehearsal
            .answer("<after>seen<", "result", OWN, &fin("last"))
            .await;
        assert_eq!(rehearsal.folder.position(), behind("last"));
        rehearsal.say(&live("later"));
        assert_eq!(rehearsal.folder.position(), behind("later"));
    }

    #[tokio::test]
    async fn an_archive_without_our_place_is_read_from_its_beginning() {
        let mut rehearsal = Rehearsal::new(Some("gone"));
        let failure = error("item-not-found");
        rehearsal
            .answer("<after>gone<", "error", OWN, &failure)
            .await;
        assert!(matches!(
            rehearsal.events()[..],
            [Event::Trouble(Trouble::ArchiveCut)]
        ));
        rehearsal
            .answer("<max>100</max></set>", "result", OWN, &fin("first"))
            .await;
        rehearsal.hear("<after>first<").await;
        assert_eq!(rehearsal.folder.position(), behind("first"));
    }

    /// Each page behind another one, and the last of them behind the first again.
    #[tokio::test]
    async fn an_archive_that_gives_its_pages_again_is_left() {
        let page = |last: &str| {
            format!("<fin xmlns='{MAM}'><set xmlns='{RSM}'><last>{last}</last></set></fin>")
        };
        let mut rehearsal = Rehearsal::new(Some("seen"));
        let nothing = format!("<fin xmlns='{MAM}' complete='true'><set xmlns='{RSM}'/></fin>");
        rehearsal
            .answer("<after>seen<", "result", OWN, &nothing)
            .await;
        rehearsal
            .answer("<after>seen<", "result", OWN, &page("a"))
            .await;
        rehearsal
            .answer("<after>a<", "result", OWN, &page("b"))
            .await;
        rehearsal
            .answer("<after>b<", "result", OWN, &page("a"))
            .await;
        let events = rehearsal.events();
        assert!(
            matches!(events[..], [Event::Trouble(Trouble::ArchiveRepeats)]),
            "{events:?}"
        );
        assert!(rehearsal.messenger.is_caught_up);
        rehearsal.say(&live("later"));
        assert_ne!(rehearsal.folder.position(), behind("later"));
    }

    #[tokio::test]
    async fn an_archive_that_says_nothing_is_not_waited_for() {
        let mut rehearsal = Rehearsal::new(Some("seen"));
        let later = std::time::Instant::now() + std::time::Duration::from_secs(600);
        rehearsal.messenger.give_up_requests(later).unwrap();
        rehearsal.hear("<presence>").await;
        rehearsal.messenger.give_up_requests(later).unwrap();
        assert!(rehearsal.messenger.is_caught_up);
        let events = rehearsal.events();
        assert!(
            matches!(&events[..], [Event::Trouble(Trouble::Archive(why))] if why == "no answer"),
            "{events:?}"
        );
    }

    /// Whoever saw one of our queries does not know the next one.
    #[tokio::test]
    async fn each_query_has_a_name_of_its_own() {
        let mut rehearsal = Rehearsal::new(Some("seen"));
        let failure = error("internal-server-error");
        let mut names = Vec::new();
        for _ in 0..2 {
            let query = rehearsal.hear("queryid='").await;
            let (_, rest) = query.split_once("queryid='").unwrap();
            names.push(rest.split_once('\'').unwrap().0.to_owned());
            let id = Rehearsal::id_of(&query);
            rehearsal.say(&format!("<iq type='error' id='{id}'>{failure}</iq>"));
        }
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() >= 32));
    }
}
