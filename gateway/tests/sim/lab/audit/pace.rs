//! Invariant 8: how soon the unknown is looked at, how often, and that nothing stays unknown.

use super::super::facts::{Ended, Evidence, Op, Sent};
use super::Findings;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An answer that came in time is durable within this, in milliseconds.
const TAKEN_MS: u64 = 2_000;
/// After this the first look at something unknown is late.
const FIRST_LOOK_MS: u64 = 2_000;
/// In a window of this length,
const WINDOW_MS: u64 = 10_000;
/// with backoff, one message is looked at so often at most.
const LOOKS_A_WINDOW: usize = 9;

/// Checks all of it.
pub fn check(evidence: &Evidence, findings: &mut Findings) {
    let prolonged = prolonged(evidence);
    for payment in &evidence.store.payments {
        let settled = payment.open.is_empty() || prolonged.contains(payment.order.as_str());
        findings.demand(settled, 8, || {
            let healed_s = (evidence.ended_ms - evidence.healed_ms) / 1000;
            format!("{}: {:012?} not known {healed_s} s after the faults ended", payment.id, payment.open)
        });
    }
    taken(evidence, findings);
    looked_at(evidence, findings);
    backoff(evidence, findings);
}

/// Orders whose acquirer took its time to decide just as the wall clock was set: until when it may is known by that clock alone, so a later
/// setting back gives it as much more.
pub fn prolonged(evidence: &Evidence) -> BTreeSet<&str> {
    // Its numbers are drawn, and its intent made durable, before it is sent.
    const DRAWN_MS: u64 = 100;
    let accepted = evidence.sent.iter().filter_map(|sent| match sent.ended {
        Some((at_ms, Ended::Pending)) => Some((sent, at_ms)),
        _other => None,
    });
    let doubtful: BTreeSet<u64> = accepted
        .filter(|(sent, at_ms)| {
            let flight = sent.at_ms.saturating_sub(DRAWN_MS)..=*at_ms;
            evidence.jumps_ms.iter().any(|jump_ms| flight.contains(jump_ms))
        })
        .map(|(sent, _)| sent.reference)
        .collect();
    let payments = evidence.store.payments.iter();
    let open = payments.filter(|payment| payment.open.iter().any(|reference| doubtful.contains(reference)));
    open.map(|payment| payment.order.as_str()).collect()
}

/// Whether the process lived on, and nobody set its clock, from a moment until a later one.
fn undisturbed(evidence: &Evidence, life: u32, from_ms: u64, until_ms: u64) -> bool {
    let lived = evidence.lives.iter().any(|one| one.number == life && one.until_ms > until_ms);
    let jumped = evidence.jumps_ms.iter().any(|at| (from_ms.saturating_sub(20_000)..=until_ms).contains(at));
    lived && !jumped && evidence.ended_ms > until_ms
}

fn recorded_within(evidence: &Evidence, reference: u64, from_ms: u64, until_ms: u64) -> bool {
    let recorded = evidence.recorded.get(&reference).map_or(&[][..], Vec::as_slice);
    recorded.iter().any(|at| (from_ms..=until_ms).contains(at))
}

/// What came back in time, to a process that went on, was written down at once.
fn taken(evidence: &Evidence, findings: &mut Findings) {
    for sent in evidence.sent.iter().filter(|sent| !sent.hurt && sent.op != Op::Inquire) {
        let Some(arrived_ms) = sent.arrived_ms else { continue };
        let until_ms = arrived_ms + TAKEN_MS;
        let known = !matches!(sent.ended, Some((_, Ended::Unknown | Ended::NotFound | Ended::Pending)));
        if !known || !undisturbed(evidence, sent.life, sent.at_ms, until_ms) {
            continue;
        }
        // An operator may have settled it in the moment before.
        findings.demand(recorded_within(evidence, sent.reference, sent.at_ms, until_ms), 8, || {
            format!("{:?} {:012} was answered at {arrived_ms} ms, and not recorded", sent.op, sent.reference)
        });
    }
}

/// The first look at what is unknown comes soon.
fn looked_at(evidence: &Evidence, findings: &mut Findings) {
    let mut looks: HashMap<u64, Vec<u64>> = HashMap::new();
    for sent in &evidence.sent {
        let subject = if matches!(sent.op, Op::Inquire | Op::Reverse) { sent.about } else { None };
        for reference in [Some(sent.reference), subject].into_iter().flatten() {
            looks.entry(reference).or_default().push(sent.at_ms);
        }
    }
    let busy = Busy::of(evidence);
    // A reversal that the resolver sends is a look itself: after it, backoff counts.
    let firsts =
        evidence.sent.iter().filter(|sent| sent.first && !matches!(sent.op, Op::Inquire | Op::Reverse));
    for sent in firsts {
        let Some((ended_ms, Ended::Unknown)) = sent.ended else { continue };
        let until_ms = ended_ms + FIRST_LOOK_MS;
        if !undisturbed(evidence, sent.life, sent.at_ms, until_ms)
            || busy.with_another(sent, ended_ms, until_ms)
        {
            continue;
        }
        let looked = looks
            .get(&sent.reference)
            .is_some_and(|looks| looks.iter().any(|at| (ended_ms..=until_ms).contains(at)));
        let known = evidence
            .recorded
            .get(&sent.reference)
            .is_some_and(|all| all.iter().filter(|at| (ended_ms..=until_ms).contains(at)).count() > 1);
        // It came late, but before anybody had to look.
        let answered = sent
            .arrived_ms
            .is_some_and(|at| at <= until_ms && recorded_within(evidence, sent.reference, at, until_ms));
        findings.demand(looked || known || answered, 8, || {
            format!("{:?} {:012} was unknown at {ended_ms} ms, and not looked at", sent.op, sent.reference)
        });
    }
}

/// Which messages of one payment were under way when: one change of a payment waits for the other.
struct Busy<'a> {
    payments: HashMap<u64, &'a str>,
    spans: HashMap<&'a str, Vec<(u64, u64, u64)>>,
}

impl<'a> Busy<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        let mut payments = HashMap::new();
        for payment in &evidence.store.payments {
            for transition in &payment.history {
                payments.extend(
                    super::books::reference_of(&transition.what).map(|one| (one, payment.id.as_str())),
                );
            }
        }
        let mut spans: HashMap<&str, Vec<_>> = HashMap::new();
        for sent in &evidence.sent {
            let subject = if sent.op == Op::Inquire { sent.about.unwrap_or(0) } else { sent.reference };
            if let Some(payment) = payments.get(&subject) {
                let ended_ms = sent.ended.map_or(u64::MAX, |(at, _)| at);
                spans.entry(*payment).or_default().push((subject, sent.at_ms, ended_ms));
            }
        }
        Self { payments, spans }
    }

    fn with_another(&self, sent: &Sent, from_ms: u64, until_ms: u64) -> bool {
        let spans = self.payments.get(&sent.reference).and_then(|payment| self.spans.get(payment));
        spans.is_some_and(|spans| {
            spans.iter().any(|(reference, begun, ended)| {
                *reference != sent.reference && *begun <= until_ms && *ended >= from_ms
            })
        })
    }
}

/// Recovery does not hammer.
fn backoff(evidence: &Evidence, findings: &mut Findings) {
    let mut by_subject: BTreeMap<(u32, u64), Vec<&Sent>> = BTreeMap::new();
    for sent in &evidence.sent {
        let subject = if sent.op == Op::Inquire { sent.about.unwrap_or(0) } else { sent.reference };
        by_subject.entry((sent.life, subject)).or_default().push(sent);
    }
    for ((_, reference), sent) in by_subject {
        let times: Vec<u64> = sent.iter().map(|sent| sent.at_ms).collect();
        let within = |all: &[u64], from_ms: u64| {
            all.iter().filter(|at| (from_ms..from_ms + WINDOW_MS).contains(*at)).count()
        };
        // Each time the clock is set, what waits is looked at again.
        let allowed = |from_ms| LOOKS_A_WINDOW + within(&evidence.jumps_ms, from_ms);
        let stormy = times.iter().any(|from_ms| within(&times, *from_ms) > allowed(*from_ms));
        findings.demand(!stormy, 8, || format!("{reference:012} is asked for without backoff"));
    }
}
