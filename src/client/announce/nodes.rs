//! What a server makes of a publication: taken, to be configured first, to be tried otherwise, refused.

use core::time::Duration;

use rand_core::TryCryptoRng;

use crate::account::AccountError;
use crate::client::Client;
use crate::client::action::Notice;
use crate::client::requests::{Publication, Purpose};
use crate::model::{Timestamp, Version};
use crate::stanza::{IqAnswer, Node, Request};

/// How long a publication waits that the server has said nothing to.
const SILENCE: Duration = Duration::from_secs(5 * 60);

impl<R: TryCryptoRng> Client<R> {
    /// The node is configured, or will not be: either way the publication says more.
    pub(in crate::client) fn node_was_configured(
        &mut self,
        publication: Publication,
        is_bundle: bool,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let publication = Publication {
            is_configured: true,
            ..publication
        };
        if is_bundle {
            self.publish_bundle(publication, now)
        } else {
            self.publish_list(publication, now)
        }
    }

    /// Whether the server has taken a publication. If not, the next thing is tried that may help.
    pub(super) fn is_taken(
        &mut self,
        publication: Publication,
        node: Node,
        answer: Option<&IqAnswer<'_>>,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let is_bundle = !matches!(node, Node::DeviceList(_));
        let refusal = match answer {
            Some(answer) if !answer.is_error => return Ok(true),
            None => {
                self.got_no_answer(publication.version, node, now);
                return Ok(false);
            }
            refusal => refusal,
        };
        let is_configuration = refusal
            .is_some_and(|answer| answer.has("precondition-not-met") || answer.has("conflict"));
        if is_configuration && !publication.is_configured {
            let max_items = publication.max_items.unwrap_or_default();
            let request = Request::configure(node, max_items);
            let purpose = if is_bundle {
                Purpose::ConfigureBundles(publication)
            } else {
                Purpose::ConfigureList(publication)
            };
            self.request(purpose, None, request, now)?;
            return Ok(false);
        }
        let is_stumble = refusal.is_some_and(|answer| answer.has("item-not-found"));
        if is_stumble && !publication.is_repeated {
            let again = Publication {
                is_repeated: true,
                ..publication
            };
            if is_bundle {
                self.publish_bundle(again, now)?;
            } else {
                self.publish_list(again, now)?;
            }
            return Ok(false);
        }
        let refused = publication.max_items;
        let refused = refused.filter(|_| node.has_many_items());
        if let Some(refused) = refused {
            let max_items = refused.lower();
            if let Some(state) = self.announcements.versions.get_mut(&publication.version) {
                state.max_items = max_items;
            }
            let lower = Publication {
                max_items,
                is_configured: false,
                ..publication
            };
            self.publish_bundle(lower, now)?;
            return Ok(false);
        }
        if let Some(state) = self.announcements.versions.get_mut(&publication.version) {
            state.has_failed = true;
        }
        let condition = refusal.and_then(|answer| answer.conditions.first());
        self.notice(Notice::NotPublished {
            node: node.to_string(),
            condition: condition.map(|condition| condition.to_string()),
        });
        Ok(false)
    }

    /// A publication was lost, or its answer: it is made again in a while.
    fn got_no_answer(&mut self, version: Version, node: Node, now: Timestamp) {
        let Some(state) = self.announcements.versions.get_mut(&version) else {
            return;
        };
        let at = Some(now.after(SILENCE));
        match node {
            Node::DeviceList(_) => state.announce_at = at,
            _ => state.retry_at = at,
        }
        if self.announcements.tells_of(version) {
            self.notice(Notice::NotPublished {
                node: node.to_string(),
                condition: None,
            });
        }
    }
}
