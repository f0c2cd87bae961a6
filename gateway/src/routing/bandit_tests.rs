//! The bandit against rates that drift, and its draws against the distribution that they are to have.

use super::*;

/// Approval rates in a thousand, of three acquirers, in four phases: the best changes each time, and the first of the list
/// falls the deepest.
const DRIFT: [[u64; 3]; 4] = [[920, 880, 800], [700, 890, 800], [900, 750, 930], [600, 910, 930]];
const PAYMENTS_A_PHASE: u64 = 5_000;
const SEEDS: u64 = 100;

/// Approvals by the bandit, by always asking the first, and by whoever knows the rates.
struct Score {
    bandit: u64,
    fixed: u64,
    best: u64,
}

/// The same payments for all three: one that an acquirer of rate 0.8 approves, one of 0.9 approves too.
fn play(seed: u64, memory: u32) -> Score {
    let (mut world, bandit, segment) = (Draws::from(seed), Bandit::default(), Segment::default());
    let mut score = Score { bandit: 0, fixed: 0, best: 0 };
    for rates in DRIFT {
        let highest = rates.into_iter().max().unwrap_or(0);
        for _payment in 0..PAYMENTS_A_PHASE {
            let threshold = world.below(1_000);
            let mut draws = Draws::from(world.next());
            let tallies = bandit.tallies(&segment, &[0, 1, 2]);
            let luck: Vec<u32> = tallies.into_iter().map(|tally| beta(&mut draws, tally)).collect();
            let chosen = (0..3).max_by_key(|arm| luck[*arm]).unwrap_or(0);
            let approved = threshold < rates[chosen];
            bandit.learn(&segment, (chosen, approved), memory);
            score.bandit += u64::from(approved);
            score.fixed += u64::from(threshold < rates[0]);
            score.best += u64::from(threshold < highest);
        }
    }
    score
}

#[test]
fn it_comes_within_two_percent_of_the_best_possible_under_drift() {
    let memory = super::super::settings::Routing::default().memory;
    let scores: Vec<Score> = (0..SEEDS).map(|seed| play(seed * 7_919 + 1, memory)).collect();
    for (seed, score) in scores.iter().enumerate() {
        assert!(score.bandit * 100 >= score.best * 98, "seed {seed}: {} of {}", score.bandit, score.best);
    }
    let sum = |of: fn(&Score) -> u64| scores.iter().map(of).sum::<u64>();
    let (bandit, fixed, best) = (sum(|s| s.bandit), sum(|s| s.fixed), sum(|s| s.best));
    println!("approvals: best possible {best}, bandit {bandit}, fixed order {fixed}");
    assert!(fixed * 100 < best * 90, "the script makes a fixed order costly: {fixed} of {best}");
}

#[test]
fn draws_have_the_mean_and_the_spread_of_their_distribution() {
    for (approved, declined) in [(0, 0), (3, 1), (40, 2), (11, 11), (90, 12), (450, 50)] {
        let (mut draws, count) = (Draws::from(7), 20_000u128);
        let (mut sum, mut squares) = (0u128, 0u128);
        for _ in 0..count {
            let drawn = u128::from(beta(&mut draws, Tally { approved, declined }) >> 12);
            sum += drawn;
            squares += drawn * drawn;
        }
        let (a, b) = (u128::from(approved) + 1, u128::from(declined) + 1);
        let mean = (a << 20) / (a + b);
        let variance = ((a * b) << 40) / ((a + b) * (a + b) * (a + b + 1));
        let (had, spread) = (sum / count, squares / count - (sum / count) * (sum / count));
        assert!(had.abs_diff(mean) * 100 <= 1 << 20, "{approved}/{declined}: mean {had} for {mean}");
        assert!(spread.abs_diff(variance) * 20 <= variance, "{approved}/{declined}: {spread} for {variance}");
    }
}

#[test]
fn segments_are_learned_apart_and_bounded() {
    let bandit = Bandit::default();
    let segment = |bin| Segment { bin: Some(bin), ..Segment::default() };
    bandit.learn(&segment(1), (0, true), 500);
    assert_eq!(bandit.tallies(&segment(1), &[0, 1])[0], Tally { approved: 1, declined: 0 });
    assert_eq!(bandit.tallies(&segment(2), &[0, 1]), [Tally::default(); 2]);
    for bin in 0..10_000 {
        bandit.learn(&segment(bin), (1, false), 500);
    }
    assert!(bandit.segments.len() <= MAX_SEGMENTS + 1, "{}", bandit.segments.len());
    assert!(bandit.tallies(&segment(9_999), &[1])[0].declined > 100, "the rest is learned together");
}

#[test]
fn what_is_old_fades() {
    let (bandit, segment) = (Bandit::default(), Segment::default());
    for _ in 0..2_000 {
        bandit.learn(&segment, (0, true), 100);
    }
    let full = bandit.tallies(&segment, &[0])[0];
    assert!((95..=101).contains(&full.approved), "{full:?}");
    for _ in 0..460 {
        bandit.learn(&segment, (1, false), 100);
    }
    assert!(bandit.tallies(&segment, &[0])[0].approved <= 1, "a hundred answers long, and then forgotten");
}
