//! Properties of the strategies: proportions, few cards that move, ready ones first.

use super::super::draw::name_hash;
use super::*;
use gateway_core::payment::Strategy;
use proptest::prelude::*;

fn ready(name: u64, weight: u32) -> Seen {
    Seen { name, weight, standing: Standing::Ready, measure: 0 }
}

fn named(count: usize, weight: u32) -> Vec<Seen> {
    (0..count).map(|number| ready(name_hash(&format!("bank-{number}")), weight)).collect()
}

const STRATEGIES: [Strategy; 7] = [
    Strategy::Priority,
    Strategy::Weighted,
    Strategy::LeastInFlight,
    Strategy::Hash,
    Strategy::Random,
    Strategy::Cost,
    Strategy::Bandit,
];

fn standing(number: u8) -> Standing {
    [Standing::Ready, Standing::Connecting, Standing::Down, Standing::Full, Standing::Open]
        [usize::from(number % 5)]
}

proptest! {
    #[test]
    fn every_candidate_is_ranked_once_and_ready_ones_first(
        shape in prop::collection::vec((0u32..=100, 0u8..5, any::<u64>()), 1..8), draw in any::<u64>()
    ) {
        let seen: Vec<Seen> = shape.iter().enumerate().map(|(number, (weight, state, measure))| {
            Seen { name: number as u64, weight: *weight, standing: standing(*state), measure: measure % 200 }
        }).collect();
        for strategy in STRATEGIES {
            let order = rank(strategy, draw, &seen);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..seen.len()).collect::<Vec<_>>());
            prop_assert!(order.windows(2).all(|two| seen[two[0]].standing <= seen[two[1]].standing));
            prop_assert_eq!(&rank(strategy, draw, &seen), &order, "the same numbers, the same order");
        }
    }

    #[test]
    fn turns_follow_the_weights(weights in prop::collection::vec(0u32..=20, 1..6), start in 0u64..1_000_000) {
        let seen: Vec<Seen> = weights.iter().enumerate().map(|(n, weight)| ready(n as u64, *weight)).collect();
        let total: u32 = weights.iter().sum();
        prop_assume!(total > 0);
        let mut firsts = vec![0u32; seen.len()];
        let mut longest = 0;
        for turn in 0..u64::from(total) {
            let first = rank(Strategy::Weighted, start + turn, &seen)[0];
            firsts[first] += 1;
            // At no time is anyone more than a whole turn (and the start's) ahead of its share.
            for (index, had) in firsts.iter().enumerate() {
                let share = (turn + 1) * u64::from(weights[index]);
                longest = longest.max((u64::from(*had) * u64::from(total)).saturating_sub(share));
            }
        }
        prop_assert_eq!(firsts, weights, "exactly, over a cycle from anywhere");
        prop_assert!(longest <= 2 * u64::from(total));
    }

    #[test]
    fn when_one_goes_only_its_own_cards_move(
        count in 2usize..7, gone in 0usize..7, keys in prop::collection::vec(any::<u64>(), 200), weight in 1u32..5
    ) {
        let (all, gone) = (named(count, weight), gone % count);
        let mut fewer = all.clone();
        fewer.remove(gone);
        for key in keys {
            let before = rank(Strategy::Hash, key, &all);
            let after = fewer[rank(Strategy::Hash, key, &fewer)[0]].name;
            let kept = if before[0] == gone { before[1] } else { before[0] };
            prop_assert_eq!(after, all[kept].name, "its cards go to the second, all others stay");
        }
    }
}

/// How often each is first, of so many draws.
fn firsts(strategy: Strategy, seen: &[Seen], draws: u64) -> Vec<u64> {
    let mut counts = vec![0; seen.len()];
    let mut numbers = Draws::from(42);
    for _ in 0..draws {
        counts[rank(strategy, numbers.next(), seen)[0]] += 1;
    }
    counts
}

#[test]
fn cards_and_chance_follow_the_weights() {
    let mut seen = named(4, 1);
    seen[1].weight = 2;
    seen[2].weight = 5;
    seen[3].weight = 0;
    for strategy in [Strategy::Hash, Strategy::Random] {
        let counts = firsts(strategy, &seen, 16_000);
        for (count, expected) in counts.iter().zip([2_000u64, 4_000, 10_000, 0]) {
            assert!(count.abs_diff(expected) <= 250, "{strategy:?}: {counts:?}");
        }
    }
}

#[test]
fn a_new_acquirer_takes_its_share_of_the_cards_and_no_card_moves_between_others() {
    let (four, five) = (named(4, 1), named(5, 1));
    let mut keys = Draws::from(3);
    let (mut moved, all) = (0u64, 10_000u64);
    for _ in 0..all {
        let key = keys.next();
        let (before, after) = (rank(Strategy::Hash, key, &four)[0], rank(Strategy::Hash, key, &five)[0]);
        assert!(after == before || after == 4, "from one old to another");
        moved += u64::from(after == 4);
    }
    assert!(moved.abs_diff(all / 5) < all / 50, "{moved} of {all} moved");
}

#[test]
fn two_are_drawn_and_the_less_loaded_is_asked() {
    let mut seen = named(4, 1);
    for (one, load) in seen.iter_mut().zip([900, 100, 500, 300]) {
        one.measure = load;
    }
    let counts = firsts(Strategy::LeastInFlight, &seen, 12_000);
    // Of six pairs, the least loaded is in three, the next in two more, the third in one; the busiest never wins.
    for (count, expected) in counts.iter().zip([0u64, 6_000, 2_000, 4_000]) {
        assert!(count.abs_diff(expected) <= 250, "{counts:?}");
    }
    let order = rank(Strategy::LeastInFlight, 9, &seen);
    let rest: Vec<u64> = order[1..].iter().map(|index| seen[*index].measure).collect();
    assert!(rest.is_sorted(), "after the first, by load: {rest:?}");
}

#[test]
fn the_cheapest_is_asked_and_whoever_names_no_fee_comes_last() {
    let mut seen = named(3, 1);
    seen[0].measure = u64::MAX;
    seen[1].measure = 160;
    seen[2].measure = 155;
    assert_eq!(rank(Strategy::Cost, 0, &seen), [2, 1, 0]);
}
