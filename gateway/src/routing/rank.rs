//! Putting candidates in order. Pure: the same numbers give the same order, so that a recorded choice can be made again.

use super::bandit::{Tally, beta};
use super::draw::{Draws, mix};
use gateway_core::payment::{Standing, Strategy};

/// A candidate, as much of it as matters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Its name, hashed.
    pub(super) name: u64,
    pub(super) weight: u32,
    pub(super) standing: Standing,
    /// See [`gateway_core::payment::Ranked::measure`].
    pub(super) measure: u64,
}

/// The candidates' indices, the first choice first: by the strategy, and then the ready ones before all others.
pub(super) fn rank(strategy: Strategy, draw: u64, seen: &[Seen]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..seen.len()).collect();
    match strategy {
        Strategy::Priority => {}
        Strategy::Weighted => order = in_turns(seen, draw),
        Strategy::Random => order = drawn(seen, draw),
        Strategy::LeastInFlight => least_loaded(&mut order, seen, draw),
        Strategy::Hash => order.sort_by_key(|index| std::cmp::Reverse(affinity(&seen[*index], draw))),
        Strategy::Cost => order.sort_by_key(|index| seen[*index].measure),
        Strategy::Bandit => {
            let mut draws = Draws::from(draw);
            let luck: Vec<u32> =
                seen.iter().map(|one| beta(&mut draws, Tally::unpack(one.measure))).collect();
            order.sort_by_key(|index| std::cmp::Reverse(luck[*index]));
        }
    }
    order.sort_by_key(|index| seen[*index].standing);
    order
}

/// Smooth weighted turns: over each cycle every candidate is first as often as its weight says, spread evenly. A candidate
/// that is not ready leaves its turns to whoever is next, so the others keep their proportion nearly.
fn in_turns(seen: &[Seen], turn: u64) -> Vec<usize> {
    let total: u64 = seen.iter().map(|one| u64::from(one.weight)).sum();
    if total == 0 {
        return (0..seen.len()).collect();
    }
    let (cycle, start) = (schedule(seen, total), usize::try_from(turn % total).unwrap_or(0));
    let mut order = Vec::with_capacity(seen.len());
    let later = cycle[start..].iter().chain(&cycle[..start]).copied();
    for index in later.chain(0..seen.len()) {
        if !order.contains(&index) {
            order.push(index);
        }
    }
    order
}

/// One cycle of smooth weighted turns: each time the one that is most behind.
fn schedule(seen: &[Seen], total: u64) -> Vec<usize> {
    let total = i64::try_from(total).unwrap_or(i64::MAX);
    let mut due = vec![0i64; seen.len()];
    let mut cycle = Vec::new();
    for _turn in 0..total {
        for (due, one) in due.iter_mut().zip(seen) {
            *due += i64::from(one.weight);
        }
        let most = (0..seen.len()).max_by_key(|index| (due[*index], std::cmp::Reverse(*index)));
        let Some(most) = most else { break };
        due[most] -= total;
        cycle.push(most);
    }
    cycle
}

/// Drawn one after the other, each in proportion to its weight among those left; those of weight 0 last.
fn drawn(seen: &[Seen], draw: u64) -> Vec<usize> {
    let mut draws = Draws::from(draw);
    let mut left: Vec<usize> = (0..seen.len()).collect();
    let mut order = Vec::with_capacity(seen.len());
    while !left.is_empty() {
        let total = left.iter().map(|index| u64::from(seen[*index].weight)).sum();
        let mut at = draws.below(total);
        let weighs = |index: &usize| {
            let weight = u64::from(seen[*index].weight);
            let here = at < weight;
            at = at.saturating_sub(weight);
            here
        };
        let chosen = left.iter().position(weighs).unwrap_or(0);
        order.push(left.remove(chosen));
    }
    order
}

/// The better of two that are drawn, then the rest by their load: one that looks idle by a stale figure is not stormed.
fn least_loaded(order: &mut [usize], seen: &[Seen], draw: u64) {
    order.sort_by_key(|index| (seen[*index].standing, seen[*index].measure));
    let ready = order.iter().filter(|index| seen[**index].standing == Standing::Ready).count();
    if ready < 3 {
        return;
    }
    let mut draws = Draws::from(draw);
    let all = ready as u64;
    let (first, step) = (draws.below(all), 1 + draws.below(all - 1));
    let second = (first + step) % all;
    // Sorted by load: of the two, the one that stands further ahead is the better.
    let better = usize::try_from(first.min(second)).unwrap_or(0);
    order[..=better].rotate_right(1);
}

/// Rendezvous hashing: whoever scatters highest with the card's key has it. When one goes, only its own cards move, and
/// when one comes, it takes its share evenly. A weight is so many chances.
fn affinity(one: &Seen, key: u64) -> u64 {
    let chance = |number: u32| mix(key ^ mix(one.name.wrapping_add(u64::from(number))));
    (0..one.weight).map(chance).max().unwrap_or(0)
}

#[cfg(test)]
#[path = "rank_tests.rs"]
mod tests;
