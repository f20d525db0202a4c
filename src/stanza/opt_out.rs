//! A wish to go on without encryption (XEP-0384 §5.7).
//!
//! ```text
//! <opt-out xmlns='urn:xmpp:omemo:2'>[<reason/>]</opt-out>        in the content of an envelope
//! ```

use core::fmt;
use std::borrow::Cow;

use super::grammar::is_character;
use super::tag::Namespace;
use super::writer::Writer;
use super::xml::Reader;
use super::{StanzaError, XmlError};
use crate::model::Version;

/// Says that whoever sent it wants to be written to in clear. It is to be shown, and nothing goes out in
/// clear before the user has agreed. Its [`Debug`](fmt::Debug) does not show what somebody wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct OptOut<'x> {
    /// Why, in words for the user.
    pub reason: Option<Cow<'x, str>>,
}

impl OptOut<'_> {
    /// The element, for the content of an envelope.
    ///
    /// # Errors
    /// [`XmlError::Character`] if the reason has characters that XML cannot express.
    ///
    /// ```
    /// use omemo::stanza::OptOut;
    ///
    /// let opt_out = OptOut { reason: Some("compliance".into()) };
    /// assert_eq!(
    ///     opt_out.to_xml()?,
    ///     "<opt-out xmlns='urn:xmpp:omemo:2'><reason>compliance</reason></opt-out>"
    /// );
    /// # Ok::<(), omemo::stanza::StanzaError>(())
    /// ```
    pub fn to_xml(&self) -> Result<String, StanzaError> {
        let reason = self.reason.as_deref();
        if !reason.unwrap_or_default().chars().all(is_character) {
            return Err(XmlError::Character.into());
        }
        let namespace = Version::Omemo2.namespace();
        let mut writer = Writer::default();
        writer.element("opt-out", &[("xmlns", &namespace)], |writer| {
            if let Some(reason) = reason {
                writer.text("reason", &[], reason);
            }
        });
        Ok(writer.into_xml())
    }
}

impl<'x> OptOut<'x> {
    /// Reads the element that is open. A second reason is passed over.
    pub(super) fn read(reader: &mut Reader<'x>) -> Result<Self, StanzaError> {
        let mut reason = None;
        while let Some(tag) = reader.child()? {
            if reason.is_none() && tag.is(Namespace::Omemo(Version::Omemo2), "reason") {
                reason = Some(reader.text()?);
            } else {
                reader.skip()?;
            }
        }
        Ok(Self { reason })
    }
}

impl fmt::Debug for OptOut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OptOut(..)")
    }
}
