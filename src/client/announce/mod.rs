//! What this device publishes about itself: its bundles and its place on the account's lists.

mod own_devices;
mod publish;
mod switch_off;

pub(in crate::client) use own_devices::Removals;
pub(in crate::client) use publish::Announcements;
