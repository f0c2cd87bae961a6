//! Idempotency: `judge` beside a key's life told by itself.

use gateway_core::claim::{
    Claim, ClaimKey, ClaimState, Owner, RenderSpec, RequestDigest, Subject, Verdict, judge,
};
use gateway_core::id::{MerchantId, PaymentId};
use gateway_core::{Mode, Tenant, Timestamp, id::Id};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn key(number: u8) -> ClaimKey {
    let tenant = Tenant { merchant: MerchantId(Id(u128::from(number % 2))), mode: Mode::Test };
    ClaimKey { tenant, key: format!("key-{}", number / 2).into() }
}

fn claimed(number: u8, request: u8) -> Claim {
    let subject = Subject::Payment(PaymentId(Id(u128::from(number))));
    let owner = Owner { process: 1, epoch: 1 };
    let state = ClaimState::Provisional { subject, render: RenderSpec::default(), owner };
    Claim { key: key(number), digest: RequestDigest([request; 32]), created: Timestamp(0), state }
}

fn concluded(mut claim: Claim, answer: u8) -> Claim {
    let subject = Subject::Other;
    let body = Some(vec![answer].into());
    claim.state = ClaimState::Final { subject, status: 200, body, render: RenderSpec::default() };
    claim
}

#[test]
fn a_key_belongs_to_the_request_that_came_first() {
    let digest = RequestDigest([1; 32]);
    let other = RequestDigest([2; 32]);
    let running = claimed(0, 1);
    let done = concluded(running.clone(), 7);
    let aged = done.clone().aged();
    assert!(matches!(aged.state, ClaimState::Final { body: None, status: 200, .. }));
    assert_eq!(running.clone().aged(), running, "what is not answered has nothing to age");
    let cases = [
        (None, &digest, Verdict::First),
        (Some(&running), &digest, Verdict::InFlight),
        (Some(&running), &other, Verdict::Mismatch),
        (Some(&done), &digest, Verdict::Replay),
        (Some(&done), &other, Verdict::Mismatch),
        (Some(&aged), &digest, Verdict::Replay),
        (Some(&aged), &other, Verdict::Mismatch),
    ];
    for (existing, digest, wanted) in cases {
        assert_eq!(judge(existing, digest), wanted, "{existing:?}");
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    /// A request arrives: key, parameters.
    Request(u8, u8),
    /// The operation of a key ends.
    Finish(u8),
    /// The bytes of a key age out.
    Age(u8),
    /// The process dies; claims stay.
    Crash,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0u8..6, 0u8..3).prop_map(|(key, request)| Act::Request(key, request)),
        3 => (0u8..6).prop_map(Act::Finish),
        1 => (0u8..6).prop_map(Act::Age),
        1 => Just(Act::Crash),
    ];
    proptest::collection::vec(act, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// The model: of each key who came first, how often it ran, and the one answer it has.
    #[test]
    fn a_key_runs_once_and_answers_once(acts in acts()) {
        let mut store: BTreeMap<ClaimKey, Claim> = BTreeMap::new();
        let mut owners: BTreeMap<u8, u8> = BTreeMap::new();
        let mut runs: BTreeMap<u8, u32> = BTreeMap::new();
        let mut answered: BTreeMap<u8, u8> = BTreeMap::new();
        for (turn, act) in acts.into_iter().enumerate() {
            match act {
                Act::Request(number, request) => {
                    let verdict = judge(store.get(&key(number)), &RequestDigest([request; 32]));
                    let wanted = match (owners.get(&number), answered.get(&number)) {
                        (None, _) => Verdict::First,
                        (Some(owner), _) if *owner != request => Verdict::Mismatch,
                        (Some(_), None) => Verdict::InFlight,
                        (Some(_), Some(_)) => Verdict::Replay,
                    };
                    prop_assert_eq!(verdict, wanted);
                    if verdict == Verdict::First {
                        *runs.entry(number).or_default() += 1;
                        owners.insert(number, request);
                        store.insert(key(number), claimed(number, request));
                    }
                }
                Act::Finish(number) => {
                    let running = owners.contains_key(&number) && !answered.contains_key(&number);
                    if let Some(claim) = store.remove(&key(number)) {
                        let answer = turn.to_le_bytes()[0];
                        let claim = if running { concluded(claim, answer) } else { claim };
                        answered.entry(number).or_insert(answer);
                        store.insert(key(number), claim);
                    }
                }
                Act::Age(number) => {
                    if let Some(claim) = store.remove(&key(number)) {
                        store.insert(key(number), claim.aged());
                    }
                }
                Act::Crash => {}
            }
            prop_assert!(runs.values().all(|times| *times == 1), "never a second run");
            for (number, answer) in &answered {
                let ClaimState::Final { body, .. } = &store[&key(*number)].state else { panic!("final stays final") };
                prop_assert!(body.as_ref().is_none_or(|bytes| **bytes == [*answer]), "the same bytes or none");
            }
        }
    }
}
