//! What a message says about other messages: that it corrects one, answers one, or reacts to one.
//!
//! In legacy OMEMO these elements stand beside `<encrypted/>`, where nobody authenticates them, and an id is
//! known to everybody in a room. So whoever applies them looks for a message with that id among those of the
//! same authenticated sender (corrections), or shows no more than that there is a reference (answers).

use crate::xmpp::element::{child, look};

/// The namespace of corrections (XEP-0308).
const CORRECTION: &str = "urn:xmpp:message-correct:0";
/// The namespace of answers (XEP-0461).
const REPLY: &str = "urn:xmpp:reply:0";
/// The namespace of reactions (XEP-0444).
const REACTIONS: &str = "urn:xmpp:reactions:0";
/// More reactions to one message are not handed out.
const MAX_REACTIONS: usize = 100;

/// The references of a message to others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// The id of the message that this one takes the place of. To be applied only to a message of the same
    /// sender.
    pub corrects: Option<String>,
    /// The message that this one answers.
    pub answers: Option<Answered>,
    /// The message that this one reacts to, and how.
    pub reacts: Option<Reaction>,
}

/// A message that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its id.
    pub id: String,
    /// Who wrote it, as the answer says.
    pub to: Option<String>,
}

/// What somebody thinks of a message: all of it, in the place of what was said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The id of the message.
    pub id: String,
    /// The reactions. None: those from before are taken back.
    pub reactions: Vec<String>,
}

impl References {
    /// Reads them from a stanza.
    #[must_use]
    pub fn read(stanza: &str) -> Self {
        let read = look(stanza, |message| {
            let id_in = |namespace, name| {
                let element = child(message, namespace, name)?;
                Some((element, element.attribute("id")?.to_owned()))
            };
            Self {
                corrects: id_in(CORRECTION, "replace").map(|(_, id)| id),
                answers: id_in(REPLY, "reply").map(|(reply, id)| Answered {
                    id,
                    to: reply.attribute("to").map(str::to_owned),
                }),
                reacts: id_in(REACTIONS, "reactions").map(|(list, id)| Reaction {
                    id,
                    reactions: list
                        .children()
                        .filter(|child| child.has_tag_name((REACTIONS, "reaction")))
                        .filter_map(|reaction| reaction.text().map(str::to_owned))
                        .take(MAX_REACTIONS)
                        .collect(),
                }),
            }
        });
        read.unwrap_or_default()
    }

    /// Whether there is something to tell of it even if there is no text.
    #[must_use]
    pub const fn is_reaction(&self) -> bool {
        self.reacts.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        let message = "<message><body>No!</body><replace xmlns='urn:xmpp:message-correct:0' id='a'/>\
             <reply xmlns='urn:xmpp:reply:0' id='b' to='romeo@montague.example/x'/>\
             <reactions xmlns='urn:xmpp:reactions:0' id='c'><reaction>\u{1f44d}</reaction>\
             <reaction>\u{2764}</reaction><other>x</other></reactions></message>";
        let references = References::read(message);
        assert_eq!(references.corrects.as_deref(), Some("a"));
        let answered = references.answers.clone().unwrap();
        assert_eq!(answered.id, "b");
        assert_eq!(answered.to.as_deref(), Some("romeo@montague.example/x"));
        let reaction = references.reacts.clone().unwrap();
        assert_eq!(reaction.id, "c");
        assert_eq!(reaction.reactions, ["\u{1f44d}", "\u{2764}"]);
        assert!(references.is_reaction());
    }

    #[test]
    fn what_is_no_reference_is_none() {
        for message in [
            "<message><body>No!</body></message>",
            "<message><replace xmlns='urn:xmpp:message-correct:0'/></message>",
            "<message><replace xmlns='urn:other' id='a'/></message>",
            "<message><x><reply xmlns='urn:xmpp:reply:0' id='b'/></x></message>",
            "<message>",
        ] {
            assert_eq!(
                References::read(message),
                References::default(),
                "{message}"
            );
        }
        let many = "<reaction>x</reaction>".repeat(MAX_REACTIONS + 1);
        let many =
            format!("<message><reactions xmlns='{REACTIONS}' id='c'>{many}</reactions></message>");
        let reaction = References::read(&many).reacts.unwrap();
        assert_eq!(reaction.reactions.len(), MAX_REACTIONS);
    }
}
