//! `omemo inspect`: explains a stanza, or a part of one, field by field.

pub mod bundle;
pub mod device_list;
pub mod input;
pub mod key;
pub mod message;
pub mod outline;
pub mod protobuf;
pub mod schema;
pub mod stanza;
pub mod structure;
pub mod value;

use omemo::model::Version;

use crate::page::Page;
use crate::{Failure, VersionName, name_of};
use input::Input;

/// The arguments of `omemo inspect`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    override_usage = "omemo inspect [OPTIONS] <FILE>",
    after_help = "Examples:
  omemo inspect message.xml
  omemo inspect - < message.xml
  echo MwohBfi8… | omemo inspect --version legacy -"
)]
pub struct Args {
    /// What to explain: a file name, or `-`.
    #[arg(
        value_name = "FILE",
        help = "A stanza, an <encrypted/>, <bundle/>, <list/> or <devices/> element, or the bytes of \
                a <key/>\n(base64, hexadecimal or raw); - is standard input"
    )]
    file: String,
    /// The version of the bytes of a `<key/>`.
    #[arg(
        long = "version",
        value_name = "VERSION",
        help = "Take the bytes of a <key/> for this version's, instead of guessing"
    )]
    forced: Option<VersionName>,
}

/// Explains what the arguments name.
///
/// # Errors
/// If it cannot be read. What is wrong in it is on the page.
pub fn run(args: &Args) -> Result<Page, Failure> {
    let mut page = Page::default();
    match Input::read(&args.file)? {
        Input::Xml(text) => stanza::explain(&mut page, &text),
        Input::Key(bytes, spelling, error) => {
            let version = match args.forced {
                Some(version) => Version::from(version),
                None => structure::guess_version(&bytes),
            };
            page.heading(format_args!("Bytes of a <key/>, {}", name_of(version)));
            page.field("given as", spelling);
            if let Some(error) = error {
                page.problem(error);
            }
            key::explain(&mut page, version, &bytes);
        }
    }
    Ok(page)
}
