//! Whether a message may go out, as the report has it.

use std::collections::BTreeSet;

use super::options::GapPolicy;
use super::outgoing::Outgoing;
use super::report::{Absence, Gap, LeftOut, Refusal, Report};
use super::terms::{Audience, RoomPolicy, Terms};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::BareJid;

impl Account {
    /// Why the message may not go out; `None` if it may. The report gets the members of a room who are left
    /// out.
    pub(super) fn judge(
        &self,
        tx: &Transaction<'_>,
        outgoing: &Outgoing<'_>,
        terms: &Terms<'_>,
        report: &mut Report,
    ) -> Result<Option<Refusal>, AccountError> {
        let absent = self.absent(tx, outgoing.recipients, report)?;
        let refuses = match terms.audience {
            Audience::Accounts | Audience::Occupant => true,
            Audience::Room(policy) => policy == RoomPolicy::Refuse,
        };
        if let Some(absent) = absent.first().filter(|_| refuses) {
            return Ok(Some(refusal(absent, report)));
        }
        report.left_out = [terms.left_out, &absent].concat();
        let is_for_others = outgoing
            .recipients
            .iter()
            .any(|jid| jid != self.names.own());
        let is_room = matches!(terms.audience, Audience::Room(_));
        if is_room {
            let mut reached = report.encrypted().map(|device| &device.jid);
            if !reached.any(|jid| jid != self.names.own()) {
                return Ok(Some(
                    too_large(report).unwrap_or_else(|| Refusal::NobodyInRoom(report.clone())),
                ));
            }
        }
        if !is_for_others && report.devices.is_empty() {
            return Ok(Some(Refusal::NoOtherDevice));
        }
        let is_empty = report.encrypted().next().is_none();
        let has_gaps = report.skipped().next().is_some() || !report.left_out.is_empty();
        if is_empty || self.options.gaps == GapPolicy::Refuse && has_gaps {
            return Ok(Some(
                too_large(report).unwrap_or_else(|| Refusal::Gaps(report.clone())),
            ));
        }
        Ok(None)
    }

    /// The recipients who get nothing.
    fn absent(
        &self,
        tx: &Transaction<'_>,
        recipients: &[BareJid],
        report: &Report,
    ) -> Result<Vec<LeftOut>, AccountError> {
        let reached = report.reached();
        let devices = report.devices.iter();
        let announced: BTreeSet<_> = devices.map(|device| &device.jid).collect();
        let mut absent = Vec::new();
        for jid in recipients {
            let has_left = self.contact(tx, jid)?.opt_out.is_some();
            let why = if has_left {
                Absence::OptedOut
            } else if jid == self.names.own() || reached.contains(jid) {
                continue;
            } else if announced.contains(jid) {
                Absence::NoReader
            } else {
                let mut lists = report.lists.iter();
                let list = lists.find(|list| list.jid == *jid);
                list.map_or(Absence::NoDevices, |list| Absence::Unreachable(list.error))
            };
            let jid = jid.clone();
            absent.push(LeftOut { jid, why });
        }
        // Who has ended encryption has said so: that comes before what happens to be missing.
        absent.sort_by_key(|absent| absent.why != Absence::OptedOut);
        Ok(absent)
    }
}

fn refusal(absent: &LeftOut, report: &Report) -> Refusal {
    let (jid, report) = (absent.jid.clone(), report.clone());
    match absent.why {
        Absence::OptedOut => Refusal::OptedOut(jid),
        Absence::NoDevices => Refusal::NoDevices(jid, report),
        Absence::Unreachable(error) => Refusal::Unreachable(jid, error, report),
        Absence::NoReader | Absence::Joined => {
            too_large(&report).unwrap_or(Refusal::NobodyReached(jid, report))
        }
    }
}

/// The refusal of a message for which even one key would be too much.
fn too_large(report: &Report) -> Option<Refusal> {
    let mut gaps = report.skipped();
    let is_large = gaps.any(|(_, gap)| gap == Gap::TooManyDevices);
    let is_empty = report.encrypted().next().is_none();
    (is_large && is_empty).then(|| Refusal::TooLarge(report.clone()))
}
