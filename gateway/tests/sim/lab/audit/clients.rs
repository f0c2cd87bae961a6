//! What clients were told against what the store holds: invariants 3, 6 and 7, and that everyone has an answer at the end.

use super::super::facts::{Asked, ClaimFacts, Evidence, Memory, PaymentFacts, Told};
use super::Findings;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Whether an answer is the one that its key must always give. The auditor's own reading of the dialect.
fn is_final(memory: &Memory, told: &Told) -> bool {
    let mismatch = told.view.code.as_deref() == Some("idempotency_error");
    match told.status {
        // A refund that waits may be an answer for good, or for now: only a replay tells.
        200 => match told.view.state.as_deref() {
            Some("processing") => false,
            Some("pending") => told.replayed,
            _settled => memory.asked != Asked::Look,
        },
        400 | 402 => memory.asked != Asked::Look && !mismatch,
        _not_yet => false,
    }
}

/// Compares everything.
pub fn compare(evidence: &Evidence, findings: &mut Findings) {
    let payments: HashMap<&str, &PaymentFacts> =
        evidence.store.payments.iter().map(|payment| (payment.id.as_str(), payment)).collect();
    let mut by_key: BTreeMap<&str, Vec<&Memory>> = BTreeMap::new();
    for memory in &evidence.memories {
        if memory.key.is_empty() {
            looked(memory, findings);
        } else {
            by_key.entry(&memory.key).or_default().push(memory);
        }
    }
    for (key, memories) in &by_key {
        one_payment(key, memories, findings);
        let last = one_answer(key, memories, findings);
        if let Some((memory, told)) = last {
            kept(evidence, key, told, findings);
            never_undone((memory, told), &payments, findings);
        }
    }
    let mut orders: BTreeSet<&str> = BTreeSet::new();
    for payment in &evidence.store.payments {
        findings.demand(orders.insert(&payment.order), 3, || {
            format!("order {} has two payments, {} is the second", payment.order, payment.id)
        });
    }
    let prolonged = super::pace::prolonged(evidence);
    let is_prolonged = |key: &str| prolonged.iter().any(|order| key.starts_with(&format!("{order}-")));
    let unsettled: Vec<&str> =
        evidence.keys_unsettled.iter().map(String::as_str).filter(|key| !is_prolonged(key)).collect();
    findings.demand(unsettled.is_empty(), 8, || format!("no final answer in time: {}", unsettled.join(", ")));
}

/// 7: a payment that a client knows of is there.
fn looked(memory: &Memory, findings: &mut Findings) {
    let gone = memory.told.as_ref().is_some_and(|told| told.status == 404);
    findings.demand(!gone, 7, || format!("{:?} was acknowledged, and is gone", memory.payment));
}

/// 3: a key names one payment.
fn one_payment(key: &str, memories: &[&Memory], findings: &mut Findings) {
    let told = memories.iter().filter_map(|memory| memory.told.as_ref());
    let named: BTreeSet<&str> = told.filter_map(|told| told.view.payment.as_deref()).collect();
    findings.demand(named.len() <= 1, 3, || format!("key {key} gave {named:?}"));
}

/// Another body under a key may ask for an expansion that its object does not have: that is refused whatever the key holds, and leaves
/// nothing.
fn is_wrong_in_itself(memory: &Memory, told: &Told) -> bool {
    let body = String::from_utf8_lossy(&told.body);
    memory.foreign && told.status == 400 && body.contains("\"param\":\"expand\"")
}

/// 6: a key has one final answer, byte for byte; of two bodies under one key, one is refused.
fn one_answer<'a>(
    key: &str,
    memories: &[&'a Memory],
    findings: &mut Findings,
) -> Option<(&'a Memory, &'a Told)> {
    let finals = memories.iter().filter_map(|memory| {
        let told = memory.told.as_ref()?;
        (is_final(memory, told) && !is_wrong_in_itself(memory, told)).then_some((*memory, told))
    });
    let mut first: Option<(&Memory, &Told)> = None;
    for (memory, told) in finals {
        match first {
            None => first = Some((memory, told)),
            Some((before, known)) => {
                let refused = known.status == 400 || told.status == 400;
                findings.demand(before.foreign == memory.foreign || refused, 6, || {
                    format!("key {key} was served for two bodies")
                });
                let same = known.status == told.status && known.body == told.body;
                let same = same || before.foreign != memory.foreign;
                findings.demand(same, 6, || {
                    format!(
                        "key {key} gave {} at {} ms, and {} otherwise at {} ms",
                        known.status, before.ended_ms, told.status, memory.ended_ms
                    )
                });
            }
        }
    }
    let refused = |memory: &&&Memory| {
        let mismatch = |told: &Told| told.view.code.as_deref() == Some("idempotency_error");
        !memory.foreign && memory.told.as_ref().is_some_and(mismatch)
    };
    let other = memories.iter().any(|memory| memory.foreign);
    findings.demand(other || memories.iter().find(refused).is_none(), 6, || {
        format!("key {key} was refused its own request")
    });
    first
}

/// 6: the store holds the answer that was given.
fn kept(evidence: &Evidence, key: &str, told: &Told, findings: &mut Findings) {
    match evidence.store.claims.get(key) {
        Some(ClaimFacts::Final { status, body }) => {
            let same = *status == told.status && body.as_deref().is_none_or(|body| body == &told.body[..]);
            findings.demand(same, 6, || {
                format!("key {key} was answered {}, the store has {status}", told.status)
            });
        }
        // A refusal before anything was stored leaves nothing, and is made again.
        Some(ClaimFacts::Open) | None => {
            findings.demand(told.status == 400, 6, || {
                format!("key {key} was answered {} for good, the store has no such answer", told.status)
            });
        }
    }
}

/// 7: what was acknowledged stands, or was undone by a later operation that is recorded.
fn never_undone(
    (memory, told): (&Memory, &Told),
    payments: &HashMap<&str, &PaymentFacts>,
    findings: &mut Findings,
) {
    if told.status != 200 {
        return;
    }
    let id = told.view.payment.as_deref().unwrap_or_default();
    let Some(payment) = payments.get(id) else {
        return findings.demand(false, 7, || format!("key {} made {id}, which is gone", memory.key));
    };
    let captured: i64 = payment.attempts.iter().map(|attempt| attempt.captured).sum();
    let holds = match &memory.asked {
        Asked::Cancel => payment.status == "canceled",
        Asked::Refund { amount } => payment.refunds.iter().any(|(refund, _, stored, state)| {
            let same = told.view.refund.as_deref() == Some(refund) && stored == amount;
            same && (told.view.state.as_deref() != Some("succeeded") || *state == "succeeded")
        }),
        Asked::Increment { total } => told.view.amount < *total || payment.amount >= *total,
        Asked::Create { .. } | Asked::Confirm | Asked::Capture { .. } => captured >= told.view.received,
        Asked::Look => true,
    };
    findings.demand(holds, 7, || {
        format!(
            "key {} was told {:?}, the store has {} with {captured} captured",
            memory.key, told.view, payment.status
        )
    });
}
