//! First messages that cross: both sides start a session from the other's bundle at the same moment, and
//! what they have written arrives in every order, with more behind it.
//!
//! Nothing is lost here. Nothing is lost there either, if the library keeps the sessions that it replaces;
//! what another one refuses has to be readable with exactly those sessions that it has given up. Then the
//! conversation has to settle: one session, no key exchanges, everything is read.

use std::fmt;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::conversation::either;
use crate::meeting::{Behind, Meeting, Plan};
use crate::network::Side;
use crate::peer::Peer;
use crate::romeo::Romeo;

/// Every order of one and two first messages, and `random` ones of up to four. Prints what was sent, read
/// and lost; panics when it should not have been lost.
pub(crate) fn run(peer: &mut Peer, random: u32, seed: u64) {
    let mut seeds = StdRng::seed_from_u64(seed).random_iter::<u64>();
    let mut lost = 0;
    for (ours, theirs) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        for opening in [Side::Ours, Side::Theirs] {
            let mut tally = Tally::default();
            let orders = orders(ours + theirs).into_iter();
            for order in orders.filter(|order| (order[0] < ours) == (opening == Side::Ours)) {
                for behind in [Behind::Nothing, Behind::Texts, Behind::Empties] {
                    for first in [Side::Ours, Side::Theirs] {
                        let plan = Plan {
                            ours,
                            theirs,
                            order: order.clone(),
                            behind,
                            first,
                        };
                        cross(peer, &plan, seeds.next().unwrap(), &mut tally);
                    }
                }
            }
            let whose = match opening {
                Side::Ours => "ours arrives first",
                Side::Theirs => "its arrives first",
            };
            println!(
                "{:<18} crossing {ours}:{theirs}, {whose:<18} {tally}",
                peer.name
            );
            lost += tally.ours.lost();
        }
    }
    let keeps_old_sessions =
        Romeo::new(peer, &mut StdRng::seed_from_u64(seed)).keeps_old_sessions();
    assert_eq!(lost == 0, keeps_old_sessions);

    let mut tally = Tally::default();
    for seed in seeds.take(random as usize) {
        let mut rng = StdRng::seed_from_u64(seed);
        let (ours, theirs) = (rng.random_range(1..=4), rng.random_range(1..=4));
        let plan = Plan {
            ours,
            theirs,
            order: shuffled(ours + theirs, &mut rng),
            behind: Behind::Chance,
            first: either(&mut rng),
        };
        cross(peer, &plan, seed, &mut tally);
    }
    println!("{:<18} crossing 1-4:1-4, any order     {tally}", peer.name);
}

/// What went one way.
#[derive(Default)]
struct Way {
    sent: u32,
    read: u32,
    /// While first messages were under way.
    lost_crossing: u32,
    /// In the first turn afterwards.
    lost_after: u32,
}

impl Way {
    const fn lost(&self) -> u32 {
        self.lost_crossing + self.lost_after
    }
}

/// What went both ways, in so many meetings.
#[derive(Default)]
struct Tally {
    times: u32,
    ours: Way,
    theirs: Way,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ours, theirs) = (&self.ours, &self.theirs);
        write!(f, "{:>3} times: we sent {}, it ", self.times, ours.sent)?;
        if ours.lost() > 0 {
            write!(
                f,
                "lost {} with sessions that it had replaced ({} while crossing, {} in the turn after) and ",
                ours.lost(),
                ours.lost_crossing,
                ours.lost_after
            )?;
        }
        write!(
            f,
            "read {}; it sent {}, we read {}",
            ours.read, theirs.sent, theirs.read
        )
    }
}

fn cross(peer: &mut Peer, plan: &Plan, seed: u64, tally: &mut Tally) {
    let rng = &mut StdRng::seed_from_u64(seed);
    let mut meeting = Meeting::new(peer, rng);
    meeting.greet(plan, rng);
    meeting.arrive(plan, rng);
    let crossed = meeting.arrived().len();
    meeting.settle(plan.first, rng);
    meeting.repeat(rng);

    tally.times += 1;
    for (number, (from, _, is_read)) in meeting.arrived().iter().enumerate() {
        let way = match from {
            Side::Ours => &mut tally.ours,
            Side::Theirs => &mut tally.theirs,
        };
        way.sent += 1;
        way.read += u32::from(*is_read);
        way.lost_crossing += u32::from(!is_read && number < crossed);
        way.lost_after += u32::from(!is_read && number >= crossed);
    }
}

/// All orders of so many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let mut all = Vec::new();
    for order in orders(last) {
        for place in 0..count {
            let mut order = order.clone();
            order.insert(place, last);
            all.push(order);
        }
    }
    all
}

fn shuffled(count: usize, rng: &mut StdRng) -> Vec<usize> {
    let mut order = Vec::new();
    for number in 0..count {
        order.insert(rng.random_range(0..=number), number);
    }
    order
}
