//! What is known of device lists and bundles of others.

mod answers;
mod lists;

pub(in crate::client) use lists::Lists;
