//! Answers to requests: who gave them, and what went wrong (RFC 6120 §8.2, §8.3; XEP-0060 §7).

use std::borrow::Cow;

use super::xml::{Reader, Scope};
use super::{StanzaError, tag::Tag};

/// An `<iq/>` of the type `result` or `error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IqAnswer<'x> {
    /// Who says so; absent if our own server does.
    pub from: Option<Cow<'x, str>>,
    /// For whom it is, if it says so: the full address of this client.
    pub to: Option<Cow<'x, str>>,
    /// The id of the request.
    pub id: Option<Cow<'x, str>>,
    /// The conditions of an error, the general one and those of the extension; none in a result.
    pub conditions: Vec<Cow<'x, str>>,
    /// Whether it is an error.
    pub is_error: bool,
}

/// No error has more conditions that mean anything to us.
const MAX_CONDITIONS: usize = 4;

impl<'x> IqAnswer<'x> {
    /// Reads an answer; `None` if the stanza is none.
    ///
    /// # Errors
    /// [`StanzaError`].
    pub fn read(xml: &'x str) -> Result<Option<Self>, StanzaError> {
        let mut reader = Reader::new(xml, Scope::Stream)?;
        let root = reader.root()?;
        let kind = root.attribute("type");
        let is_error = kind.as_deref() == Some("error");
        let is_answer = is_error || kind.as_deref() == Some("result");
        let is_iq = root.local() == "iq" && root.namespace.is_of_stanzas();
        let mut conditions = Vec::new();
        while let Some(tag) = reader.child()? {
            if is_error && is_error_element(&tag) {
                while let Some(tag) = reader.child()? {
                    if conditions.len() < MAX_CONDITIONS && tag.local() != "text" {
                        conditions.push(Cow::Borrowed(tag.local()));
                    }
                    reader.skip()?;
                }
            } else {
                reader.skip()?;
            }
        }
        reader.finish()?;
        Ok((is_iq && is_answer).then(|| Self {
            from: root.attribute("from"),
            to: root.attribute("to"),
            id: root.attribute("id"),
            conditions,
            is_error,
        }))
    }

    /// Whether it is an error with this condition.
    #[must_use]
    pub fn has(&self, condition: &str) -> bool {
        self.conditions.iter().any(|found| found == condition)
    }
}

fn is_error_element(tag: &Tag<'_>) -> bool {
    tag.local() == "error" && tag.namespace.is_of_stanzas()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_errors_and_others() {
        let xml = "<iq type='error' from='a@b' id='7'><pubsub/><error type='cancel'>\
            <conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
            <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text>\
            <precondition-not-met xmlns='http://jabber.org/protocol/pubsub#errors'/></error></iq>";
        let answer = IqAnswer::read(xml).unwrap().unwrap();
        assert!(answer.is_error && answer.has("precondition-not-met") && answer.has("conflict"));
        assert_eq!(
            (answer.from.as_deref(), answer.conditions.len()),
            (Some("a@b"), 2)
        );
        let answer = IqAnswer::read("<iq type='result' id='7'><error/></iq>").unwrap();
        assert!(!answer.unwrap().is_error);
        for other in ["<iq type='get'/>", "<message type='error'/>", "<iq/>"] {
            assert_eq!(IqAnswer::read(other), Ok(None));
        }
    }
}
