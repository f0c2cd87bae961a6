//! What a score costs with a million live cards: features and score, the score alone, and a replay.

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use risk::features::{FeatureVector, MISSING, STREAMING_LEN, Settings};
use risk::model::{Body, Golden, Model, Slope, Term};
use risk::{Entity, Event, Record, Scorer, shipped_model};

const CARDS: u64 = 1_000_000;
const START_S: i64 = 1_767_225_600;

fn event(step: u64) -> Event {
    // A stride that visits every card in an order that caches do not guess.
    let card = step.wrapping_mul(7_368_787) % CARDS;
    Event::new(step, START_S + step as i64 / 20, 500 + (step % 9_000) as i64)
        .with(Entity::Card, card)
        .with(Entity::Merchant, step % 20_000)
        .with(Entity::Address, card / 2)
        .with(Entity::Email, card)
}

fn warm() -> Scorer {
    let scorer = Scorer::new(Settings { entities: CARDS as usize, ..Settings::default() });
    (0..2 * CARDS).for_each(|step| scorer.observe(&Record::Authorization(event(step))));
    scorer
}

/// A weight for each of the first thirty features and nothing else: the dot product of a plain logistic regression.
fn linear() -> Model {
    let mut file = shipped_model().file().clone();
    let slope = |place: usize| Slope { from: -1e9, to: 1e9, weight: 0.01 * place as f64 };
    let term = |(place, feature): (usize, &String)| Term {
        feature: feature.clone(),
        slopes: vec![slope(place)],
        ..Term::default()
    };
    let Body::Logistic { intercept, terms, crosses, .. } = &mut file.body else {
        panic!("the shipped model is a logistic regression")
    };
    (*terms, *crosses) = (file.features.iter().take(30).enumerate().map(term).collect(), Vec::new());
    let no_data = vec![None; file.features.len()];
    file.golden = vec![Golden { features: no_data, log_odds: *intercept }];
    Model::seal(file).expect("it is consistent")
}

fn scores(criterion: &mut Criterion) {
    let (scorer, model) = (warm(), shipped_model());
    let mut times: Vec<u64> = (0..300_000)
        .map(|step| {
            let event = event(2 * CARDS + 13 * step);
            let from = Instant::now();
            black_box(scorer.score(&model, &event));
            from.elapsed().as_nanos() as u64
        })
        .collect();
    times.sort_unstable();
    let mean = times.iter().sum::<u64>() / times.len() as u64;
    println!("features and score: mean {mean} ns, p50 {} ns, p99 {} ns", times[150_000], times[297_000]);

    let mut step = 2 * CARDS;
    criterion.bench_function("features and score", |bench| {
        bench.iter(|| {
            step += 1;
            black_box(scorer.score(&model, &event(step)))
        });
    });
    let mut features: FeatureVector = [MISSING; STREAMING_LEN];
    criterion.bench_function("features", |bench| {
        bench.iter(|| {
            step += 1;
            black_box(scorer.extractor().extract(&event(step), &mut features))
        });
    });
    criterion.bench_function("score of known features", |bench| {
        bench.iter(|| black_box(model.log_odds(black_box(&features))));
    });
    let (linear, known) = (linear(), [1.5; STREAMING_LEN]);
    criterion.bench_function("dot product of thirty features", |bench| {
        bench.iter(|| black_box(linear.log_odds(black_box(&known))));
    });
    criterion.bench_function("observe", |bench| {
        bench.iter(|| {
            step += 1;
            scorer.observe(&Record::Authorization(event(step)));
        });
    });
}

criterion_group!(benches, scores);
criterion_main!(benches);
