//! Putting files on the web, and getting them from there: HTTPS alone, with the certificates that the
//! account's server is verified by.

use core::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, SendBody};

/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// How long all of a file may take to come.
const MAX_TIME: Duration = Duration::from_secs(60 * 60);
/// How often a server may send us elsewhere.
const REDIRECTS: u32 = 5;

/// A client for files.
#[derive(Clone, Debug)]
pub struct Web {
    agent: Agent,
}

impl Web {
    /// A client that believes those certificates.
    #[must_use]
    pub fn new(believed: &[CertificateDer<'_>]) -> Self {
        let certificates = believed.iter();
        let certificates: RootCerts = certificates
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .into();
        let tls = TlsConfig::builder()
            .root_certs(certificates)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .https_only(true)
            .max_redirects(REDIRECTS)
            .timeout_connect(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .user_agent(concat!("omemo/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        Self {
            agent: config.into(),
        }
    }

    /// Puts `length` bytes there.
    ///
    /// # Errors
    /// [`WebError`].
    pub fn put(
        &self,
        url: &str,
        headers: &[(String, String)],
        length: u64,
        body: &mut dyn Read,
    ) -> Result<(), WebError> {
        let mut request = self
            .agent
            .put(url)
            .header("Content-Length", length)
            .header("Content-Type", "application/octet-stream");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send(SendBody::from_reader(body))?;
        Ok(())
    }

    /// What is there: at most so many bytes, or reading fails.
    ///
    /// # Errors
    /// [`WebError`].
    pub fn get(&self, url: &str, most: u64) -> Result<impl Read + use<>, WebError> {
        let request = self.agent.get(url).config();
        let response = request.timeout_global(Some(MAX_TIME)).build().call()?;
        Ok(response.into_body().into_with_config().limit(most).reader())
    }
}

/// Why nothing was put or got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebError {
    /// The server says no, with this status.
    Status(u16),
    /// It was not reached, or the connection broke.
    Connection(String),
}

impl From<ureq::Error> for WebError {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::StatusCode(status) => Self::Status(status),
            error => Self::Connection(error.to_string()),
        }
    }
}

impl fmt::Display for WebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the web server answers {status}"),
            Self::Connection(error) => write!(f, "the web server: {error}"),
        }
    }
}

impl core::error::Error for WebError {}
