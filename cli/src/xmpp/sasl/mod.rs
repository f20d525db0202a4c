//! Authentication (RFC 6120 §6): the strongest SCRAM that the server offers, else PLAIN.
//!
//! ```text
//! features → Offer → <auth/> → <challenge/> → <response/> → <success/>
//! ```
//!
//! With SCRAM the server proves that it knows the password too, and says which mechanisms it offered
//! (XEP-0474), so that nobody in between can remove the stronger ones unnoticed. PLAIN sends the password
//! itself. [`Stream`](super::Stream) authenticates on encrypted connections only.

mod hash;
mod offer;
mod plain;
mod prepare;
mod scram;
#[cfg(test)]
mod scripted;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use self::hash::Hash;
pub use self::offer::Offer;
use self::scram::{ClientFirst, Proved, ServerFinal};
use super::StreamError;
use super::element::{child, look};

/// The namespace of SASL in streams.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

/// The longest message of a mechanism that is read, in bytes.
const MAX_MESSAGE: usize = 4096;

/// A mechanism that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    Scram(Hash),
    Plain,
}

/// The mechanisms, the best first.
const MECHANISMS: [Mechanism; 4] = [
    Mechanism::Scram(Hash::Sha512),
    Mechanism::Scram(Hash::Sha256),
    Mechanism::Scram(Hash::Sha1),
    Mechanism::Plain,
];

impl Mechanism {
    const fn name(self) -> &'static str {
        match self {
            Self::Scram(Hash::Sha512) => "SCRAM-SHA-512",
            Self::Scram(Hash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(Hash::Sha1) => "SCRAM-SHA-1",
            Self::Plain => "PLAIN",
        }
    }
}

/// What the server has to say next.
enum Expected {
    /// SCRAM: its first message.
    First(ClientFirst),
    /// SCRAM: the proof that it knows the password.
    Proof(ServerFinal),
    /// That it lets us in.
    Success,
    /// Nothing: it has failed.
    Nothing,
}

/// An authentication that is under way.
pub struct Authentication {
    offer: Offer,
    expected: Expected,
    is_scram: bool,
}

impl Authentication {
    /// Chooses the best mechanism of those that the features of the stream name, and returns what to send
    /// first. `allows_plain` is false where the server is known to have SCRAM: PLAIN is not used then
    /// (XEP-0474 §7).
    ///
    /// # Errors
    /// [`StreamError::NoMechanism`], [`StreamError::Password`], [`StreamError::Random`].
    pub fn start(
        features: &str,
        user: &str,
        password: &str,
        allows_plain: bool,
    ) -> Result<(Self, Zeroizing<String>), StreamError> {
        Self::start_with_nonce(features, user, password, allows_plain, &nonce()?)
    }

    fn start_with_nonce(
        features: &str,
        user: &str,
        password: &str,
        allows_plain: bool,
        nonce: &str,
    ) -> Result<(Self, Zeroizing<String>), StreamError> {
        let offer = Offer::read(features);
        let mut known = MECHANISMS.into_iter();
        let mechanism = known
            .find(|mechanism| {
                offer.has(mechanism.name()) && (allows_plain || *mechanism != Mechanism::Plain)
            })
            .ok_or(StreamError::NoMechanism)?;
        let (message, expected) = match mechanism {
            Mechanism::Scram(hash) => {
                let first = ClientFirst::new(hash, user, password, nonce)?;
                (first.message(), Expected::First(first))
            }
            Mechanism::Plain => (plain::message(user, password)?, Expected::Success),
        };
        let auth = format!(
            "<auth xmlns='{NAMESPACE}' mechanism='{}'>{}</auth>",
            mechanism.name(),
            *encoded(&message)
        );
        let is_scram = mechanism != Mechanism::Plain;
        let this = Self {
            offer,
            expected,
            is_scram,
        };
        Ok((this, Zeroizing::new(auth)))
    }

    /// Whether the mechanism is one of SCRAM's.
    #[must_use]
    pub const fn is_scram(&self) -> bool {
        self.is_scram
    }

    /// Takes an answer of the server, and returns what to send next; `None` when both sides are satisfied.
    ///
    /// # Errors
    /// [`StreamError::Refused`] or [`StreamError::NotNow`] if the server refuses,
    /// [`StreamError::Authentication`] if the server does not prove that it knows the password,
    /// [`StreamError::Downgrade`] if its offer was changed on the way, [`StreamError::Rounds`],
    /// [`StreamError::Protocol`]. The authentication has failed then.
    pub fn answer(&mut self, xml: &str) -> Result<Option<Zeroizing<String>>, StreamError> {
        let (name, text, passes) = look(xml, |element| {
            let name = element.tag_name();
            let name = match name.namespace() {
                Some(NAMESPACE) => name.name().to_owned(),
                _ => String::new(),
            };
            let text = element.text().unwrap_or_default().trim().to_owned();
            let passes = child(element, NAMESPACE, "temporary-auth-failure").is_some();
            (name, text, passes)
        })
        .ok_or(StreamError::Protocol)?;
        let expected = core::mem::replace(&mut self.expected, Expected::Nothing);
        match (name.as_str(), expected) {
            ("challenge", Expected::First(first)) => {
                let (response, next) = first.answer(&decoded(&text)?, &self.offer)?;
                self.expected = Expected::Proof(next);
                Ok(Some(response_of(&response)))
            }
            // Some servers prove it in a challenge, others with the success.
            ("challenge", Expected::Proof(proof)) => {
                let Proved = proof.verify(&decoded(&text)?)?;
                self.expected = Expected::Success;
                Ok(Some(response_of("")))
            }
            ("success", Expected::Proof(proof)) => {
                // A success without a proof is none: anybody could say so.
                let message = decoded(&text).map_err(|_| StreamError::Authentication)?;
                let Proved = proof.verify(&message)?;
                Ok(None)
            }
            ("success", Expected::Success) => Ok(None),
            ("success", Expected::First(_)) => Err(StreamError::Authentication),
            ("failure", _) if passes => {
                Err(StreamError::NotNow("temporary-auth-failure".to_owned()))
            }
            ("failure", _) => Err(StreamError::Refused),
            _ => Err(StreamError::Protocol),
        }
    }
}

/// A nonce that was never used before (RFC 5802 §5.1).
fn nonce() -> Result<String, StreamError> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|_| StreamError::Random)?;
    Ok(STANDARD.encode(bytes))
}

fn encoded(message: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(message))
}

fn decoded(text: &str) -> Result<String, StreamError> {
    let bytes = STANDARD.decode(text).map_err(|_| StreamError::Protocol)?;
    if bytes.len() > MAX_MESSAGE {
        return Err(StreamError::Protocol);
    }
    String::from_utf8(bytes).map_err(|_| StreamError::Protocol)
}

fn response_of(message: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "<response xmlns='{NAMESPACE}'>{}</response>",
        *encoded(message)
    ))
}

impl core::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Authentication(..)")
    }
}

#[cfg(test)]
mod tests;
