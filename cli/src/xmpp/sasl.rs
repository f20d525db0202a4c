//! Who we are (RFC 6120 §6): SCRAM where the server has it, else the password itself, inside TLS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::prelude::{Mechname, SASLClient, SASLConfig, Session, SessionError};
use rsasl::property::{AuthId, Password};
use zeroize::Zeroizing;

use super::StreamError;
use super::element::{child, look};

/// The namespace of SASL in streams.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

/// More rounds of hashing than any server asks for: a password is not to keep us busy for minutes.
const MAX_ITERATIONS: u32 = 10_000_000;

/// An authentication that is under way.
pub struct Authentication {
    session: Session,
    /// Nothing is missing on our side: with SCRAM the server has proved that it knows the password.
    is_finished: bool,
}

/// What is known of the account.
struct Credentials {
    user: String,
    password: Zeroizing<String>,
}

impl SessionCallback for Credentials {
    fn callback(
        &self,
        _: &SessionData,
        _: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        request
            .satisfy::<AuthId>(&self.user)?
            .satisfy::<Password>(self.password.as_bytes())?;
        Ok(())
    }
}

impl Authentication {
    /// Chooses the best mechanism of those that the features of the stream name, and says what to send
    /// first.
    ///
    /// # Errors
    /// [`StreamError::NoMechanism`].
    pub fn start(
        features: &str,
        user: &str,
        password: &str,
    ) -> Result<(Self, Zeroizing<String>), StreamError> {
        let offered = look(features, |features| {
            let mechanisms = child(features, NAMESPACE, "mechanisms");
            let names = mechanisms.into_iter().flat_map(|list| list.children());
            names
                .filter_map(|name| name.text().map(str::to_owned))
                .collect::<Vec<_>>()
        });
        let offered = offered.unwrap_or_default();
        // Channel binding is not offered by what reads the mechanisms here: the names with -PLUS pass by.
        let names: Vec<_> = offered
            .iter()
            .filter(|name| !name.ends_with("-PLUS"))
            .filter_map(|name| Mechname::parse(name.as_bytes()).ok())
            .collect();
        let credentials = Credentials {
            user: user.to_owned(),
            password: Zeroizing::new(password.to_owned()),
        };
        let config = SASLConfig::builder()
            .with_defaults()
            .with_callback(credentials)
            .map_err(|_| StreamError::NoMechanism)?;
        let session = SASLClient::new(config)
            .start_suggested(&names)
            .map_err(|_| StreamError::NoMechanism)?;
        let mechanism = session.get_mechname().to_string();
        let mut this = Self {
            session,
            is_finished: false,
        };
        let text = if this.session.are_we_first() {
            this.step(None)?
        } else {
            Zeroizing::new(String::new())
        };
        let auth = format!(
            "<auth xmlns='{NAMESPACE}' mechanism='{mechanism}'>{}</auth>",
            text.as_str()
        );
        Ok((this, Zeroizing::new(auth)))
    }

    /// Takes an answer of the server, and says what to send next; `None` when both sides are satisfied.
    ///
    /// # Errors
    /// [`StreamError::Refused`] or [`StreamError::NotNow`] if the server refuses,
    /// [`StreamError::Authentication`] if its answer is not the one of somebody who knows the password.
    pub fn answer(&mut self, xml: &str) -> Result<Option<Zeroizing<String>>, StreamError> {
        let (name, text, passes) = look(xml, |element| {
            let text = element.text().unwrap_or_default().trim().to_owned();
            let passes = child(element, NAMESPACE, "temporary-auth-failure").is_some();
            (element.tag_name().name().to_owned(), text, passes)
        })
        .ok_or(StreamError::Protocol)?;
        match name.as_str() {
            "challenge" => {
                let response = self.step(Some(&text))?;
                let response = response.as_str();
                Ok(Some(Zeroizing::new(format!(
                    "<response xmlns='{NAMESPACE}'>{response}</response>"
                ))))
            }
            "success" => {
                // SCRAM: at the latest now the server proves that it knows the password too.
                if !text.is_empty() && !self.is_finished {
                    self.step(Some(&text))?;
                }
                match self.is_finished {
                    true => Ok(None),
                    false => Err(StreamError::Authentication),
                }
            }
            "failure" if passes => Err(StreamError::NotNow("temporary-auth-failure".to_owned())),
            _ => Err(StreamError::Refused),
        }
    }

    fn step(&mut self, input: Option<&str>) -> Result<Zeroizing<String>, StreamError> {
        let input = input
            .filter(|input| *input != "=")
            .map(|input| STANDARD.decode(input));
        let input = input.transpose().map_err(|_| StreamError::Protocol)?;
        if input.as_deref().is_some_and(asks_too_much) {
            return Err(StreamError::Protocol);
        }
        let mut out = Zeroizing::new(Vec::new());
        let state = self.session.step(input.as_deref(), &mut *out);
        let state = state.map_err(|_| StreamError::Authentication)?;
        self.is_finished = state.is_finished();
        Ok(Zeroizing::new(STANDARD.encode(out.as_slice())))
    }
}

/// Whether it is the first message of a server that speaks SCRAM (RFC 5802 §7) with too many iterations.
fn asks_too_much(message: &[u8]) -> bool {
    let message = String::from_utf8_lossy(message);
    let count = message.split(',').find_map(|part| part.strip_prefix("i="));
    let count = count.map(|count| count.parse::<u32>());
    count.is_some_and(|count| count.is_ok_and(|count| count > MAX_ITERATIONS))
}

impl core::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Authentication(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(mechanism: &str) -> (Authentication, String) {
        let features = format!(
            "<stream:features><mechanisms xmlns='{NAMESPACE}'><mechanism>{mechanism}</mechanism>\
             </mechanisms></stream:features>"
        );
        let (authentication, auth) = Authentication::start(&features, "user", "pencil").unwrap();
        let text = look(&auth, |auth| auth.text().unwrap_or_default().to_owned()).unwrap();
        let text = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        (authentication, text)
    }

    #[test]
    fn success_without_a_proof_is_none() {
        let success = format!("<success xmlns='{NAMESPACE}'/>");
        let (mut scram, _) = begun("SCRAM-SHA-1");
        assert_eq!(scram.answer(&success), Err(StreamError::Authentication));
        let (mut scram, first) = begun("SCRAM-SHA-1");
        let (_, nonce) = first.rsplit_once("r=").unwrap();
        let challenge = |count: u32| {
            let text = STANDARD.encode(format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i={count}"));
            format!("<challenge xmlns='{NAMESPACE}'>{text}</challenge>")
        };
        assert_eq!(
            scram.answer(&challenge(MAX_ITERATIONS + 1)),
            Err(StreamError::Protocol)
        );
        assert!(scram.answer(&challenge(4096)).unwrap().is_some());
        assert_eq!(scram.answer(&success), Err(StreamError::Authentication));

        let (mut plain, text) = begun("PLAIN");
        assert_eq!(text, "\0user\0pencil");
        assert_eq!(plain.answer(&success), Ok(None));
    }

    #[test]
    fn a_server_that_cannot_look_is_asked_again() {
        for (condition, may_pass) in [("temporary-auth-failure", true), ("not-authorized", false)] {
            let (mut plain, _) = begun("PLAIN");
            let failure = format!("<failure xmlns='{NAMESPACE}'><{condition}/></failure>");
            let error = plain.answer(&failure).unwrap_err();
            assert_eq!(error.may_pass(), may_pass, "{error}");
        }
    }
}
