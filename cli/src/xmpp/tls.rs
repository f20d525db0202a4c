//! Whom to believe: the system's authorities, or those of a file.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::StreamError;

/// How connections are encrypted. Certificates are always verified, for the name of the account's domain.
///
/// # Errors
/// [`StreamError::Authorities`] if there is nobody to believe.
pub fn connector(
    authorities: Option<&Path>,
    protocol: Option<&str>,
) -> Result<TlsConnector, StreamError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(believed(authorities)?);
    if roots.is_empty() {
        return Err(StreamError::Authorities);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|_| StreamError::Authorities)?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocol
        .into_iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The certificates of whom to believe.
///
/// # Errors
/// [`StreamError::Authorities`] if they cannot be read.
pub fn believed(authorities: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, StreamError> {
    match authorities {
        Some(file) => CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect)
            .map_err(|_| StreamError::Authorities),
        None => Ok(rustls_native_certs::load_native_certs().certs),
    }
}
