//! What this device publishes about itself: its bundles and its place on the account's lists.

mod bundles;
mod due;
mod lists;
mod nodes;
mod own_devices;
mod state;
mod switch_off;

pub(in crate::client) use own_devices::Removals;
pub(in crate::client) use state::Announcements;
