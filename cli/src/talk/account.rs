//! Which account: from the command line, the environment and a file, in this order. The password is not
//! on the command line, where every user of the machine could see it; `omemo pipe` alone takes it there,
//! as test beds give it.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use omemo::account::{Account, TrustPolicy, VersionPolicy};
use omemo::client::Options;
use omemo::model::BareJid;
use zeroize::Zeroizing;

use super::config::Config;
pub use super::config::Password;
use super::show;
use crate::messenger::{Folder, Messenger, now};
use crate::xmpp::{Login, Server, server};
use crate::{Failure, VersionName};

/// Which account.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Account")]
#[group(skip)]
pub struct Args {
    /// Address of the account [or OMEMO_JID, or the configuration file]
    #[arg(long, value_name = "JID")]
    pub jid: Option<BareJid>,
    /// Where the server is [default: where the domain says]
    #[arg(long)]
    pub host: Option<String>,
    /// Its port, where a host is named [default: 5222]
    #[arg(long)]
    pub port: Option<u16>,
    /// TLS from the first byte on, where a host is named (else STARTTLS)
    #[arg(long)]
    pub direct_tls: bool,
    /// Certificates to believe, in place of the system's (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Folder of the account's keys [default: in the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Configuration [default: omemo/config.toml in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write in this version only, or in the newest that is announced [default: the newest that a device
    /// is known to read]
    #[arg(long, value_enum)]
    pub mode: Option<VersionName>,
}

/// An account that was found.
#[derive(Debug)]
pub struct Found {
    args: Args,
    config: Config,
    jid: BareJid,
    password: Option<Password>,
}

impl Args {
    /// Finds the account.
    ///
    /// # Errors
    /// There is none, or the configuration cannot be read.
    pub fn find(&self) -> Result<Found, Failure> {
        let config = Config::open(self.config.as_deref())?;
        let named = match (&self.jid, std::env::var("OMEMO_JID"), &config.jid) {
            (Some(jid), _, _) => Some(jid.clone()),
            (None, Ok(jid), _) => Some(jid.parse()?),
            (None, Err(_), Some(jid)) => Some(jid.parse()?),
            _ => None,
        };
        let jid =
            named.ok_or("no account: say --jid, OMEMO_JID, or jid in the configuration file")?;
        let config = if config.is_for(&jid)? {
            config
        } else {
            show::note("the configuration file is another account's: nothing in it is used");
            Config::default()
        };
        let args = self.clone();
        Ok(Found {
            args,
            config,
            jid,
            password: None,
        })
    }
}

impl Found {
    /// The account with a password that is known already.
    #[must_use]
    pub fn with_password(self, password: Option<Password>) -> Self {
        Self { password, ..self }
    }

    /// The address.
    #[must_use]
    pub const fn jid(&self) -> &BareJid {
        &self.jid
    }

    /// The folder of the account, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn folder(&self) -> Result<Folder, Failure> {
        let path = self.path()?;
        Folder::open(&path).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    fn path(&self) -> Result<PathBuf, Failure> {
        Ok(
            match self.args.state.as_ref().or(self.config.state.as_ref()) {
                Some(path) => path.clone(),
                None => etcetera::choose_base_strategy()?
                    .data_dir()
                    .join("omemo")
                    .join(self.jid.as_str()),
            },
        )
    }

    /// The account without a network: what it knows. It is not made: that is for those who log in.
    ///
    /// # Errors
    /// It is not there, or the store cannot be opened.
    pub fn account(&self, trust: TrustPolicy) -> Result<Account, Failure> {
        let options = self.options(trust).account;
        let path = self.path()?;
        let none = || {
            let path = path.display();
            format!("this account has no keys in {path} yet: \"omemo listen\" makes them")
        };
        if !Folder::has_store(&path) {
            return Err(none().into());
        }
        let store = self.folder()?.store()?;
        if !Account::all_in(&*store)?.contains(&self.jid) {
            return Err(none().into());
        }
        let mut rng = getrandom::SysRng;
        Ok(Account::open(
            store,
            self.jid.clone(),
            options,
            now(),
            &mut rng,
        )?)
    }

    /// Logs in.
    ///
    /// # Errors
    /// There is no password, or the server does not let us in.
    pub async fn log_in(&self, options: Options) -> Result<Messenger, Failure> {
        let login = Login {
            jid: self.jid.clone(),
            password: self.password()?,
            server: self.server()?,
            authorities: self.args.ca.clone().or_else(|| self.config.ca.clone()),
            allows_plain: true,
        };
        Ok(Messenger::open(login, self.folder()?, options).await?)
    }

    /// The choices of this program.
    #[must_use]
    pub fn options(&self, trust: TrustPolicy) -> Options {
        let mut options = Options::new(trust);
        options.account.versions = match self.args.mode {
            None => VersionPolicy::ByEvidence,
            Some(VersionName::Omemo2) => VersionPolicy::Newest,
            Some(only) => VersionPolicy::Only(only.into()),
        };
        options
    }

    /// The server that was named, if one was. What the command line says of it goes before the file.
    fn server(&self) -> Result<Option<Server>, Failure> {
        let (args, config) = (&self.args, &self.config);
        let (host, port, is_direct_tls) = match (&args.host, &config.host) {
            (Some(host), _) => (host, args.port, args.direct_tls),
            (None, Some(host)) => (
                host,
                args.port.or(config.port),
                args.direct_tls || config.direct_tls,
            ),
            (None, None) if args.port.is_some() || args.direct_tls => {
                return Err("--port and --direct-tls need a host: say --host".into());
            }
            (None, None) => return Ok(None),
        };
        Ok(Some(Server {
            host: host.clone(),
            port: port.unwrap_or(server::PORT),
            is_direct_tls,
        }))
    }

    fn password(&self) -> Result<Zeroizing<String>, Failure> {
        if let Some(password) = &self.password {
            return Ok(password.secret());
        }
        if let Ok(password) = std::env::var("OMEMO_PASSWORD") {
            return Ok(Zeroizing::new(password));
        }
        if let Some(password) = &self.config.password {
            return Ok(password.secret());
        }
        if let Some(file) = &self.config.password_file {
            return read_line(file);
        }
        if io::stdin().is_terminal() {
            let prompt = format!("Password of {}: ", self.jid);
            return Ok(Zeroizing::new(rpassword::prompt_password(prompt)?));
        }
        Err("no password: set OMEMO_PASSWORD, or password-file in the configuration file".into())
    }
}

fn read_line(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
    let line = text.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_for_the_account_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let password_of = |named: &str, chosen: &str| {
            let text = format!("{named}\npassword = 'secret'\nhost = 'localhost'");
            fs::write(&path, text).unwrap();
            let args = Args {
                jid: Some(chosen.parse().unwrap()),
                config: Some(path.clone()),
                ..Args::default()
            };
            let found = args.find().unwrap();
            assert_eq!(
                found.server().unwrap().is_some(),
                found.config.password.is_some()
            );
            found
                .config
                .password
                .map(|password| password.secret().to_string())
        };
        let secret = Some("secret".to_owned());
        let juliet = "jid = 'juliet@capulet.example'";
        assert_eq!(password_of(juliet, "juliet@capulet.example"), secret);
        assert_eq!(password_of(juliet, "Juliet@Capulet.example"), secret);
        assert_eq!(password_of(juliet, "juliet@montague.example"), None);
        assert_eq!(password_of("", "juliet@montague.example"), secret);
    }

    #[test]
    fn what_the_command_line_says_of_a_server_counts() {
        let server_of = |config: &str, args: Args| {
            let found = Found {
                args,
                config: Config::read(config).unwrap(),
                jid: "juliet@capulet.example".parse().unwrap(),
                password: None,
            };
            let server = found.server().map_err(|error| error.to_string());
            server.map(|server| server.map(|server| (server.port, server.is_direct_tls)))
        };
        let args = Args {
            port: Some(443),
            direct_tls: true,
            ..Args::default()
        };
        let file = "host = 'localhost'\nport = 5269";
        assert_eq!(server_of(file, args.clone()), Ok(Some((443, true))));
        assert_eq!(server_of(file, Args::default()), Ok(Some((5269, false))));
        assert_eq!(server_of("", Args::default()), Ok(None));
        assert!(server_of("", args).is_err());
    }
}
