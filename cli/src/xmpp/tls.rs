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
    match authorities {
        Some(file) => {
            let certificates = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|_| StreamError::Authorities)?;
            roots.add_parsable_certificates(certificates);
        }
        None => {
            let native = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(native.certs);
        }
    }
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
