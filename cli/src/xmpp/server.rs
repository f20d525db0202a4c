//! Where a server is: as its domain says (RFC 6120 §3.2, XEP-0368), or as the user says.

use hickory_resolver::Resolver;
use hickory_resolver::proto::rr::RData;
use tokio::net::TcpStream;

use super::StreamError;

/// The port for clients, if nobody names another.
pub const PORT: u16 = 5222;

/// A place where a server may be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether TLS begins at once (XEP-0368), or is asked for in the stream.
    pub is_direct_tls: bool,
}

impl Server {
    /// A connection to it.
    ///
    /// # Errors
    /// [`StreamError::Connect`].
    pub async fn connect(&self) -> Result<TcpStream, StreamError> {
        let connected = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = connected.map_err(|error| StreamError::Connect(error.kind()))?;
        // Stanzas are small, and each is an answer to somebody who waits.
        stream.set_nodelay(true).ok();
        Ok(stream)
    }

    /// The places that a domain names, the best first; if it names none, the domain itself.
    ///
    /// # Errors
    /// [`StreamError::NoServer`]: the domain has none.
    pub async fn of_domain(domain: &str) -> Result<Vec<Self>, StreamError> {
        let mut found = Vec::new();
        for (service, is_direct_tls) in [("_xmpps-client", true), ("_xmpp-client", false)] {
            let name = format!("{service}._tcp.{domain}.");
            found.extend(look_up(&name, is_direct_tls).await.unwrap_or_default());
        }
        // XEP-0368 §3: one list of both kinds. Within a priority the heavier first; a client that
        // connects once need not spread its weight.
        found.sort_by_key(|(priority, weight, _)| (*priority, u16::MAX - *weight));
        let says_none =
            |(_, _, server): &(u16, u16, Self)| server.host.is_empty() && !server.is_direct_tls;
        let is_absent = found.iter().any(says_none);
        let servers = found.into_iter().map(|(_, _, server)| server);
        // RFC 2782: a single dot says that the service is decidedly not there.
        let mut servers: Vec<_> = servers.filter(|server| !server.host.is_empty()).collect();
        if servers.is_empty() && is_absent {
            return Err(StreamError::NoServer);
        }
        if servers.is_empty() {
            servers.push(Self {
                host: domain.to_owned(),
                port: PORT,
                is_direct_tls: false,
            });
        }
        Ok(servers)
    }
}

async fn look_up(name: &str, is_direct_tls: bool) -> Option<Vec<(u16, u16, Server)>> {
    let resolver = Resolver::builder_tokio().ok()?.build().ok()?;
    let answer = resolver.srv_lookup(name).await.ok()?;
    let servers = answer.answers().iter().filter_map(|record| {
        let RData::SRV(srv) = &record.data else {
            return None;
        };
        let host = srv.target.to_utf8().trim_end_matches('.').to_owned();
        let server = Server {
            host,
            port: srv.port,
            is_direct_tls,
        };
        Some((srv.priority, srv.weight, server))
    });
    Some(servers.collect())
}
