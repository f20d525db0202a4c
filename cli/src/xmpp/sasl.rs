//! Who we are (RFC 6120 §6): SCRAM where the server has it, else the password itself, inside TLS.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsasl::prelude::{Mechname, SASLClient, SASLConfig, Session};
use zeroize::Zeroizing;

use super::StreamError;
use super::element::{child, look};

/// The namespace of SASL in streams.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

/// An authentication that is under way.
pub struct Authentication {
    session: Session,
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
    ) -> Result<(Self, String), StreamError> {
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
        let config = SASLConfig::with_credentials(None, user.to_owned(), password.to_owned())
            .map_err(|_| StreamError::NoMechanism)?;
        let session = SASLClient::new(config)
            .start_suggested(&names)
            .map_err(|_| StreamError::NoMechanism)?;
        let mechanism = session.get_mechname().to_string();
        let mut this = Self { session };
        let text = if this.session.are_we_first() {
            this.step(None)?
        } else {
            Zeroizing::new(String::new())
        };
        let auth = format!(
            "<auth xmlns='{NAMESPACE}' mechanism='{mechanism}'>{}</auth>",
            text.as_str()
        );
        Ok((this, auth))
    }

    /// Takes an answer of the server, and says what to send next; `None` when both sides are satisfied.
    ///
    /// # Errors
    /// [`StreamError::Refused`] if the server refuses, [`StreamError::Authentication`] if its answer is
    /// not the one of somebody who knows the password.
    pub fn answer(&mut self, xml: &str) -> Result<Option<String>, StreamError> {
        let (name, text) = look(xml, |element| {
            let text = element.text().unwrap_or_default().trim().to_owned();
            (element.tag_name().name().to_owned(), text)
        })
        .ok_or(StreamError::Protocol)?;
        match name.as_str() {
            "challenge" => {
                let response = self.step(Some(&text))?;
                let response = response.as_str();
                Ok(Some(format!(
                    "<response xmlns='{NAMESPACE}'>{response}</response>"
                )))
            }
            "success" => {
                // SCRAM: only now the server proves that it knows the password too.
                if !text.is_empty() {
                    self.step(Some(&text))?;
                }
                Ok(None)
            }
            _ => Err(StreamError::Refused),
        }
    }

    fn step(&mut self, input: Option<&str>) -> Result<Zeroizing<String>, StreamError> {
        let input = input
            .filter(|input| *input != "=")
            .map(|input| STANDARD.decode(input));
        let input = input.transpose().map_err(|_| StreamError::Protocol)?;
        let mut out = Zeroizing::new(Vec::new());
        self.session
            .step(input.as_deref(), &mut *out)
            .map_err(|_| StreamError::Authentication)?;
        Ok(Zeroizing::new(STANDARD.encode(out.as_slice())))
    }
}

impl core::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Authentication(..)")
    }
}
