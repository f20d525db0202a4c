//! A stream, from the first byte to the last.

use core::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{self, pki_types::ServerName};
use zeroize::Zeroizing;

use omemo::model::BareJid;

use super::element::{child, condition, escape, look};
use super::sasl::Authentication;
use super::splitter::{Piece, SplitError, Splitter};
use super::{Server, tls};

const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
const LIMITS: &str = "urn:xmpp:stream-limits:0";
/// The protocol's name where TLS begins at once (XEP-0368 §3).
const ALPN: &str = "xmpp-client";
/// How long each part of the way to a stream that can be used may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is needed to log in.
pub struct Login {
    /// The account.
    pub jid: BareJid,
    /// Its password.
    pub password: Zeroizing<String>,
    /// Where the server is; `None`: where its domain says.
    pub server: Option<Server>,
    /// A file of certificates to believe, in place of the system's.
    pub authorities: Option<PathBuf>,
    /// Whether the password itself may be sent, on the encrypted connection: not where the server is known
    /// to have SCRAM (XEP-0474 §7).
    pub allows_plain: bool,
}

/// A stream that can be used.
pub struct Stream {
    /// The address that the server has given to this client, with its resource.
    pub full_jid: String,
    /// Whether the server has proved that it knows the password.
    pub is_scram: bool,
    /// The longest stanza that the server takes, in bytes, if it says so (XEP-0478).
    pub max_bytes: Option<usize>,
    reader: Box<dyn AsyncRead + Send + Unpin>,
    splitter: Splitter,
    out: UnboundedSender<String>,
    writer: JoinHandle<()>,
}

impl Stream {
    /// Connects, encrypts, authenticates and binds a resource.
    ///
    /// # Errors
    /// [`StreamError`].
    pub async fn open(login: &Login) -> Result<Self, StreamError> {
        let servers = match &login.server {
            Some(server) => vec![server.clone()],
            None => in_time(Server::of_domain(&ascii(login.jid.domain())?)).await?,
        };
        let mut last = StreamError::Connect(io::ErrorKind::NotFound);
        for server in servers {
            // One that takes connections and says nothing must not keep us from the next one.
            match in_time(encrypted(&server, login)).await {
                Ok(wire) => return in_time(wire.log_in(login)).await,
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// A stream that was opened on a connection.
    pub(crate) fn over(
        io: impl AsyncRead + AsyncWrite + Send + 'static,
        splitter: Splitter,
        full_jid: String,
    ) -> Self {
        let (reader, writer) = split(io);
        let (out, queue) = unbounded_channel();
        Self {
            full_jid,
            is_scram: false,
            max_bytes: None,
            reader: Box::new(reader),
            splitter,
            out,
            writer: tokio::spawn(write(writer, queue)),
        }
    }

    /// The next stanza, as it stood in the stream. Nothing is lost if the caller stops waiting.
    ///
    /// # Errors
    /// [`StreamError`]: there will be no other.
    pub async fn next(&mut self) -> Result<String, StreamError> {
        loop {
            match self.splitter.next_piece()? {
                Some(Piece::Element(xml)) if is_stream_error(&xml) => {
                    return Err(StreamError::ended(&xml));
                }
                Some(Piece::Element(xml)) => return Ok(xml),
                Some(Piece::Close) => return Err(StreamError::Closed),
                Some(Piece::Open) => return Err(StreamError::Protocol),
                None => fill(&mut self.reader, &mut self.splitter).await?,
            }
        }
    }

    /// Sends a stanza, after those before.
    pub fn send(&self, xml: impl Into<String>) {
        // If the writer is gone, the reader is about to notice.
        self.out.send(xml.into()).ok();
    }

    /// Ends the stream, when everything is sent.
    pub async fn close(self) {
        self.send("</stream:stream>");
        drop(self.out);
        timeout(Duration::from_secs(5), self.writer).await.ok();
    }
}

async fn in_time<T>(part: impl Future<Output = Result<T, StreamError>>) -> Result<T, StreamError> {
    let done = timeout(PATIENCE, part).await;
    done.map_err(|_| StreamError::Connect(io::ErrorKind::TimedOut))?
}

/// A domain as certificates and the DNS have it (RFC 5890).
fn ascii(domain: &str) -> Result<String, StreamError> {
    idna::domain_to_ascii(domain).map_err(|_| StreamError::Domain)
}

/// A connection on which stanzas can be exchanged one by one.
struct Wire<S> {
    io: S,
    splitter: Splitter,
}

/// Connects, and does not go on without TLS.
async fn encrypted(
    server: &Server,
    login: &Login,
) -> Result<Wire<TlsStream<TcpStream>>, StreamError> {
    let domain = login.jid.domain();
    let tcp = server.connect().await?;
    let tcp = if server.is_direct_tls {
        tcp
    } else {
        let mut wire = Wire::new(tcp);
        let features = wire.begin(domain).await?;
        if !has(&features, TLS, "starttls") {
            return Err(StreamError::NoTls);
        }
        wire.send(&format!("<starttls xmlns='{TLS}'/>")).await?;
        let answer = wire.next().await?;
        let is_proceed = look(&answer, |answer| answer.has_tag_name((TLS, "proceed")));
        // What came in clear behind it is not taken over.
        if is_proceed != Some(true) {
            return Err(StreamError::NoTls);
        }
        wire.io
    };
    let protocol = server.is_direct_tls.then_some(ALPN);
    let connector = tls::connector(login.authorities.as_deref(), protocol)?;
    let name = ServerName::try_from(ascii(domain)?).map_err(|_| StreamError::Domain)?;
    let tls = connector.connect(name, tcp).await;
    tls.map(Wire::new).map_err(|error| not_encrypted(&error))
}

/// What TLS says is one thing; that the connection broke meanwhile is another, which may pass.
fn not_encrypted(error: &io::Error) -> StreamError {
    match error.get_ref() {
        Some(inner) if inner.is::<rustls::Error>() => StreamError::Tls(error.to_string()),
        _ => StreamError::Broken(error.kind()),
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    fn new(io: S) -> Self {
        Self {
            io,
            splitter: Splitter::default(),
        }
    }

    /// Begins a stream, and gives its features.
    async fn begin(&mut self, domain: &str) -> Result<String, StreamError> {
        self.splitter = Splitter::default();
        let domain = escape(domain);
        self.send(&format!(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' \
             xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>"
        ))
        .await?;
        self.next().await
    }

    async fn send(&mut self, xml: &str) -> Result<(), StreamError> {
        self.io.write_all(xml.as_bytes()).await?;
        Ok(self.io.flush().await?)
    }

    async fn next(&mut self) -> Result<String, StreamError> {
        loop {
            match self.splitter.next_piece()? {
                Some(Piece::Element(xml)) if is_stream_error(&xml) => {
                    return Err(StreamError::ended(&xml));
                }
                Some(Piece::Element(xml)) => return Ok(xml),
                Some(Piece::Open) => {}
                Some(Piece::Close) => return Err(StreamError::Closed),
                None => fill(&mut self.io, &mut self.splitter).await?,
            }
        }
    }
}

impl Wire<TlsStream<TcpStream>> {
    async fn log_in(mut self, login: &Login) -> Result<Stream, StreamError> {
        let domain = login.jid.domain();
        let features = self.begin(domain).await?;
        let user = login.jid.local().unwrap_or_default();
        let (mut authentication, auth) =
            Authentication::start(&features, user, &login.password, login.allows_plain)?;
        let mut next = Some(auth);
        while let Some(xml) = next {
            self.send(&xml).await?;
            next = authentication.answer(&self.next().await?)?;
        }
        let features = self.begin(domain).await?;
        if !has(&features, BIND, "bind") {
            return Err(StreamError::Protocol);
        }
        // The server invents the resource: one that tells nobody what runs here.
        self.send(&format!(
            "<iq type='set' id='bind'><bind xmlns='{BIND}'/></iq>"
        ))
        .await?;
        let bound = self.next().await?;
        let full_jid = look(&bound, |bound| {
            let jid = child(child(bound, BIND, "bind")?, BIND, "jid")?;
            jid.text().map(str::to_owned)
        });
        let full_jid = full_jid.flatten().ok_or_else(|| not_bound(&bound))?;
        let mut stream = Stream::over(self.io, self.splitter, full_jid);
        stream.is_scram = authentication.is_scram();
        stream.max_bytes = max_bytes(&features);
        Ok(stream)
    }
}

/// What the features say of the longest stanza.
fn max_bytes(features: &str) -> Option<usize> {
    let most = look(features, |features| {
        let most = child(child(features, LIMITS, "limits")?, LIMITS, "max-bytes")?;
        most.text()?.trim().parse().ok()
    });
    most.flatten()
}

/// Why there is no resource (RFC 6120 §7.6.2).
fn not_bound(answer: &str) -> StreamError {
    let why = look(answer, |answer| {
        let error = child(answer, "jabber:client", "error")?;
        let is_wait = error.attribute("type") == Some("wait");
        Some((is_wait, condition(answer)?))
    });
    match why.flatten() {
        Some((true, why)) => StreamError::NotNow(why),
        Some((false, why)) => StreamError::Bind(why),
        None => StreamError::Protocol,
    }
}

/// Writes what is sent, in order: whoever sends need not wait.
async fn write(mut writer: impl AsyncWrite + Unpin, mut queue: UnboundedReceiver<String>) {
    while let Some(xml) = queue.recv().await {
        if writer.write_all(xml.as_bytes()).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    writer.shutdown().await.ok();
}

async fn fill<S: AsyncRead + Unpin>(
    io: &mut S,
    splitter: &mut Splitter,
) -> Result<(), StreamError> {
    let mut buffer = [0; 16 * 1024];
    match io.read(&mut buffer).await? {
        0 => Err(StreamError::Closed),
        read => {
            splitter.push(buffer.get(..read).unwrap_or_default());
            Ok(())
        }
    }
}

fn has(features: &str, namespace: &str, name: &str) -> bool {
    look(features, |features| {
        child(features, namespace, name).is_some()
    })
    .unwrap_or(false)
}

fn is_stream_error(xml: &str) -> bool {
    xml.starts_with("<stream:error")
}

/// Why there is no stream, or none any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// No connection.
    Connect(io::ErrorKind),
    /// The domain is not valid.
    Domain,
    /// The domain says that it has no server for clients.
    NoServer,
    /// The server does not encrypt.
    NoTls,
    /// No trusted certificates were found.
    Authorities,
    /// No encryption, as when the certificate is not the server's.
    Tls(String),
    /// The server offers no mechanism of authentication that is known here.
    NoMechanism,
    /// The password or the name of the account has a character that SASL does not allow.
    Password,
    /// The server wants the password hashed in so many rounds: too few to be safe, or too many.
    Rounds(u32),
    /// What the server offers was changed on the way (XEP-0474).
    Downgrade,
    /// The server did not prove that it knows the password.
    Authentication,
    /// The server refuses the account or the password.
    Refused,
    /// The server refuses to bind a resource, for this reason.
    Bind(String),
    /// The server accepts no login now, for this reason.
    NotNow(String),
    /// The connection broke.
    Broken(io::ErrorKind),
    /// The server does not answer any more.
    Silent,
    /// The server ended the stream.
    Closed,
    /// The server ended the stream, for this reason.
    Ended(String),
    /// The server sent something that is not a stream.
    Split(SplitError),
    /// The server breaks the protocol.
    Protocol,
    /// The operating system returned no random bytes.
    Random,
}

impl StreamError {
    fn ended(xml: &str) -> Self {
        let condition = look(xml, |error| {
            let condition = error.first_element_child();
            condition.map(|condition| condition.tag_name().name().to_owned())
        });
        Self::Ended(condition.flatten().unwrap_or_default())
    }

    /// Whether trying again later may help.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Connect(_)
                | Self::NotNow(_)
                | Self::Broken(_)
                | Self::Silent
                | Self::Closed
                | Self::Ended(_)
        )
    }
}

impl From<SplitError> for StreamError {
    fn from(error: SplitError) -> Self {
        Self::Split(error)
    }
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.kind())
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(kind) => write!(f, "the server cannot be reached: {kind}"),
            Self::Domain => f.write_str("the domain of the address is not valid"),
            Self::NoServer => f.write_str("the domain has no server for clients"),
            Self::NoTls => f.write_str("the server does not encrypt the connection"),
            Self::Authorities => f.write_str("no trusted certificates were found"),
            Self::Tls(what) => write!(f, "the connection cannot be encrypted: {what}"),
            Self::NoMechanism => {
                f.write_str("the server offers no method of login that this program knows and allows")
            }
            Self::Password => f.write_str("the name or the password has a character that is not allowed"),
            Self::Rounds(rounds) => write!(
                f,
                "the server wants the password hashed in {rounds} rounds, which is too few or too many"
            ),
            Self::Downgrade => f.write_str(
                "the methods of login that the server offers were changed on the way: somebody may be \
                 between this computer and the server",
            ),
            Self::Authentication => {
                f.write_str("the server did not prove that it knows the password")
            }
            Self::Refused => f.write_str("the server refuses the account or its password"),
            Self::Bind(why) => write!(f, "the server refuses to bind a resource: {why}"),
            Self::NotNow(why) => write!(f, "the server accepts no login now: {why}"),
            Self::Broken(kind) => write!(f, "the connection broke: {kind}"),
            Self::Silent => f.write_str("the server does not answer any more"),
            Self::Closed => f.write_str("the server ended the connection"),
            Self::Ended(why) => write!(f, "the server ended the connection: {why}"),
            Self::Split(error) => error.fmt(f),
            Self::Protocol => f.write_str("the server breaks the protocol"),
            Self::Random => f.write_str("the operating system returned no random bytes"),
        }
    }
}

impl core::error::Error for StreamError {}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("full_jid", &self.full_jid)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("jid", &self.jid)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_stream_are_told() {
        let xml =
            "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
        assert!(is_stream_error(xml));
        assert_eq!(
            StreamError::ended(xml),
            StreamError::Ended("conflict".into())
        );
    }

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        let broken = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(not_encrypted(&broken).may_pass());
        let forged = rustls::Error::General("forged".to_owned());
        let forged = io::Error::new(io::ErrorKind::InvalidData, forged);
        assert!(matches!(not_encrypted(&forged), StreamError::Tls(_)));
        let bound = |kind: &str, why: &str| {
            not_bound(&format!(
                "<iq type='error' id='bind'><error type='{kind}'><{why} \
                 xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
            ))
        };
        assert!(bound("wait", "resource-constraint").may_pass());
        assert_eq!(
            bound("cancel", "not-allowed"),
            StreamError::Bind("not-allowed".to_owned())
        );
    }

    #[test]
    fn limits_are_read_from_the_features() {
        let features = |limits: &str| {
            format!("<stream:features><limits xmlns='{LIMITS}'>{limits}</limits></stream:features>")
        };
        let whole = features("<max-bytes>262144</max-bytes><idle-seconds>60</idle-seconds>");
        assert_eq!(max_bytes(&whole), Some(262_144));
        for none in [
            "<idle-seconds>60</idle-seconds>",
            "<max-bytes>many</max-bytes>",
        ] {
            assert_eq!(max_bytes(&features(none)), None);
        }
        assert_eq!(max_bytes("<stream:features/>"), None);
    }

    /// As a server that goes down says it in the middle of logging in.
    #[tokio::test]
    async fn an_error_of_the_stream_is_one_wherever_it_comes() {
        let (ours, mut theirs) = tokio::io::duplex(1000);
        let mut wire = Wire::new(ours);
        let xml = "<s><stream:error><system-shutdown/></stream:error>";
        theirs.write_all(xml.as_bytes()).await.unwrap();
        let ended = StreamError::Ended("system-shutdown".to_owned());
        assert_eq!(wire.next().await, Err(ended));
    }

    #[test]
    fn domains_are_what_certificates_have() {
        assert_eq!(ascii("Bücher.example").unwrap(), "xn--bcher-kva.example");
        assert_eq!(ascii("capulet.example").unwrap(), "capulet.example");
        assert_eq!(ascii("127.0.0.1").unwrap(), "127.0.0.1");
    }
}
