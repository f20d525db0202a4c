//! `omemo fingerprint`: what others compare.

use omemo::account::TrustPolicy;
use omemo::model::FingerprintUri;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::account;
use crate::Failure;
use crate::page::Page;

/// What `omemo fingerprint` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    account: account::Args,
    /// As a QR code for the camera of another client
    #[arg(long)]
    qr: bool,
}

/// Shows the fingerprint of this device.
///
/// # Errors
/// There is no account.
pub fn run(args: &Args) -> Result<Page, Failure> {
    let found = args.account.find()?;
    let account = found.account(TrustPolicy::Manual)?;
    let mut page = Page::default();
    page.field("account", found.jid());
    page.field("device", account.device());
    page.field("fingerprint", account.fingerprint());
    if args.qr {
        let keys = vec![(account.device(), account.fingerprint())];
        let uri = FingerprintUri::new(found.jid().clone(), keys)?.to_string();
        page.gap();
        page.lines(&drawing(&uri)?);
        page.lines(&uri);
    }
    Ok(page)
}

/// Two modules a character, light on dark: a terminal is dark, and where it is not, cameras read a code
/// in reversed colours too.
fn drawing(text: &str) -> Result<String, Failure> {
    let code = QrCode::new(text)?;
    let mut renderer = code.render::<Dense1x2>();
    renderer.dark_color(Dense1x2::Light);
    renderer.light_color(Dense1x2::Dark);
    Ok(renderer.build())
}
