//! Each payment's history in real time: invariant 10, and that nothing acknowledged as durable is gone (7).

use super::super::facts::{Asked, Evidence, Memory, Shown, Told, View};
use super::Findings;
use super::model::Seen;
use std::collections::{BTreeMap, HashMap};

/// Checks every answer that shows a payment against the versions that it may show.
pub fn check(evidence: &Evidence, replays: &[Vec<Seen>], findings: &mut Findings) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, payment) in evidence.store.payments.iter().enumerate() {
        places.insert(&payment.id, at);
    }
    for (payment, shown) in &evidence.shown {
        let newest = shown.iter().map(|shown| shown.version).max().unwrap_or(0);
        let stored = places.get(payment.as_str()).map_or(0, |at| evidence.store.payments[*at].version);
        findings.demand(newest <= stored, 7, || {
            format!("{payment}: version {newest} was acknowledged as durable, {stored} is there")
        });
    }
    let firsts = first_sends(&evidence.memories);
    for memory in &evidence.memories {
        let Some(told) = memory.told.as_ref().filter(|told| shows_payment(memory, told)) else { continue };
        let Some(id) = told.view.payment.as_deref() else { continue };
        let Some(at) = places.get(id) else { continue };
        let shown = evidence.shown.get(id).map_or(&[][..], Vec::as_slice);
        let began_ms = firsts.get(memory.key.as_str()).copied().unwrap_or(memory.began_ms);
        let (low, high) = window(shown, began_ms, memory.ended_ms, replays[*at].len() as u32);
        let fits = (low.max(1)..=high).any(|version| is(&replays[*at][version as usize - 1], &told.view));
        findings.demand(fits, 10, || {
            format!(
                "{id}: {:?} of {:?} from {} to {} ms shows {:?}, which versions {low} to {high} are not",
                memory.asked, memory.key, began_ms, memory.ended_ms, told.view
            )
        });
    }
}

/// When each key was used first; a replay may show what was true any time since.
fn first_sends(memories: &[Memory]) -> BTreeMap<&str, u64> {
    let mut firsts = BTreeMap::new();
    for memory in memories.iter().filter(|memory| !memory.key.is_empty()) {
        let first = firsts.entry(memory.key.as_str()).or_insert(memory.began_ms);
        *first = memory.began_ms.min(*first);
    }
    firsts
}

/// Answers to changes of a payment, and looks at it. Refusals name a payment, but not all of them show it.
fn shows_payment(memory: &Memory, told: &Told) -> bool {
    told.status == 200 && !matches!(memory.asked, Asked::Refund { .. }) && told.view.state.is_some()
}

/// The versions that an answer may show: not older than what was durable before it was asked for, not newer than what had begun
/// to be written when it was given.
fn window(shown: &[Shown], began_ms: u64, ended_ms: u64, last: u32) -> (u32, u32) {
    let low = shown.iter().filter(|shown| shown.until_ms < began_ms).map(|shown| shown.version).max();
    // What became durable without being acknowledged is not in the list; it lies below the next that is.
    let next = shown.iter().filter(|shown| shown.from_ms > ended_ms).map(|shown| shown.version).min();
    (low.unwrap_or(0), next.map_or(last, |next| next.saturating_sub(1).min(last)))
}

fn is(seen: &Seen, view: &View) -> bool {
    view.state.as_deref() == Some(seen.state)
        && view.amount == seen.amount
        && view.received == seen.received
        && view.capturable == seen.capturable
}
