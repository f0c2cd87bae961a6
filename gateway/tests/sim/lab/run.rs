//! One seed from its draw to its verdict.

use super::audit::{self, Violation};
use super::bank::Teller;
use super::client::{CARDS, Client};
use super::dump;
use super::facts::{BookFacts, Evidence, StoreFacts};
use super::faults::{Fault, Pair};
use super::machine::{Live, Machine};
use super::operator;
use super::planted::Planted;
use super::random::Dice;
use super::storage::SimJournal;
use super::swarm::Swarm;
use super::world::{Death, Phase, World};
use gateway::admit::merchants::KeyRequest;
use gateway_core::claim::ClaimKey;
use gateway_core::event::Snapshot;
use gateway_core::journal::{DueKind, First, Journal, Query, Range, Row, RowKey};
use gateway_core::record::KeyKind;
use gateway_core::tenant::{Mode, Tenant};
use gateway_core::time::Timestamp;
use gateway_store::embedded::port::Disk;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// From the end of the faults until nothing may be unknown, in virtual milliseconds.
const CONVERGE_MS: u64 = 60_000;
/// The last answer that was under way when the faults ended has come by then, in virtual milliseconds.
const STRAGGLERS_MS: u64 = 32_000;
/// So many violations of a seed are told in full.
const TOLD: usize = 4;
/// A seed that takes longer than this of virtual time hangs.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// What came of one seed.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub seed: u64,
    pub payments: u64,
    pub faults: u64,
    pub pairs: Vec<Pair>,
    pub crashes_between: u64,
    pub simulated_ms: u64,
    pub violations: Vec<Violation>,
    pub trace_hash: u64,
}

/// Runs a seed on a runtime of its own, in virtual time.
pub fn seed(seed: u64, planted: Option<Planted>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime needs nothing but memory").block_on(live_through(seed, planted))
}

async fn live_through(seed: u64, planted: Option<Planted>) -> Outcome {
    let swarm = Swarm::draw(&mut Dice::new(seed, 0), planted != Some(Planted::NoFaults));
    let world = World::new(seed, swarm, planted);
    let names = ["bank-a", "bank-b", "bank-c"];
    let draws = world.swarm.banks.clone();
    let tellers = names.into_iter().zip(draws).map(|(name, draw)| Teller::new(&world, name, draw)).collect();
    let machine = Machine::new(&world, tellers);
    let supervisor = tokio::spawn(Arc::clone(&machine).run());
    let evidence = tokio::select! {
        biased;
        () = world.hopeless.notified() => None,
        evidence = tokio::time::timeout(LONGEST, Box::pin(story(&machine))) => evidence.ok(),
    };
    supervisor.abort();
    let mut violations = match &evidence {
        Some(evidence) => audit::audit(evidence),
        None => Vec::new(),
    };
    if let Some(evidence) = &evidence {
        for violation in violations.iter_mut().take(TOLD) {
            violation.story = audit::story(evidence, violation);
        }
    }
    let given_up = world.notes().given_up.clone();
    if evidence.is_none() {
        let why = given_up.unwrap_or_else(|| "8: the run does not come to an end".to_owned());
        violations.push(Violation::of(&why));
    }
    let notes = world.notes();
    let payments = evidence.as_ref().map_or(0, |evidence| evidence.store.payments.len() as u64);
    let (faults, crashes_between, pairs) =
        (notes.faults, notes.crashes_between, notes.pairs.iter().copied().collect());
    drop(notes);
    let (simulated_ms, trace_hash) = (world.now_ms(), world.trace_hash());
    Outcome { seed, payments, faults, pairs, crashes_between, simulated_ms, violations, trace_hash }
}

async fn story(machine: &Arc<Machine>) -> Evidence {
    let world = Arc::clone(&machine.world);
    let (secret, tenant) = set_up(machine).await;
    world.notes().phase = Phase::Hurt;
    let chaos = tokio::spawn(chaos(Arc::clone(machine)));
    let operator = tokio::spawn(operator::work(Arc::clone(machine), tenant));
    let clients = (0..world.swarm.clients).map(|number| {
        let (mut client, payments) = (Client::new(machine, &secret, number), world.swarm.payments);
        tokio::spawn(async move {
            client.work(payments).await;
            client
        })
    });
    let working: Vec<_> = clients.collect();
    let mut clients = Vec::new();
    for work in working {
        clients.push(work.await.expect("a client does not panic"));
    }
    chaos.abort();
    operator.abort();
    let healed_ms = heal(machine);
    converge(machine, &mut clients, healed_ms).await;
    let left = rest(machine).await;
    restart(machine).await;
    for client in &clients {
        client.replay().await;
    }
    let unsettled = |client: &Client| {
        let open = client.requests.iter().filter(|(_, done)| !done);
        open.map(|(request, _)| request.key.clone()).collect::<Vec<_>>()
    };
    let keys_unsettled = clients.iter().flat_map(unsettled).collect();
    let live = machine.live().await;
    let store = read_store(machine, &live, (tenant, &clients)).await;
    let books: Vec<BookFacts> = machine.tellers.iter().map(|teller| teller.book().facts()).collect();
    let mut notes = world.notes();
    Evidence {
        store,
        books,
        memories: std::mem::take(&mut notes.memories),
        sent: std::mem::take(&mut notes.sent),
        shown: std::mem::take(&mut notes.shown),
        lives: notes.lives.clone(),
        recorded: std::mem::take(&mut notes.recorded),
        jumps_ms: notes.jumps_ms.clone(),
        healed_ms,
        ended_ms: world.clock.elapsed_ms(),
        left,
        keys_unsettled,
    }
}

/// A merchant with a secret key.
async fn set_up(machine: &Machine) -> (Arc<str>, Tenant) {
    let live = machine.live().await;
    let engine = &live.engine;
    let ports = (&*engine.clock, &*engine.ids);
    let merchant = engine.merchants.create("Simulated shop", ports).await.expect("nothing is wrong yet");
    let request =
        KeyRequest { merchant: merchant.id, mode: Mode::Test, kind: KeyKind::Secret, scopes: Vec::new() };
    let ports = (&*engine.clock, &*engine.ids, &*engine.random);
    let key = engine.merchants.create_key(request, ports).await.expect("nothing is wrong yet");
    (key.secret.into(), Tenant { merchant: merchant.id, mode: Mode::Test })
}

/// Outages, and deaths and clock jumps that strike at no particular step.
async fn chaos(machine: Arc<Machine>) {
    let world = &machine.world;
    loop {
        sleep(Duration::from_millis(world.draw(|dice| dice.between(1_000, 6_000)))).await;
        let outage = world.swarm.rate(Fault::Outage);
        if world.draw(|dice| dice.per_mille(outage)) {
            let victim = world.draw(|dice| dice.below(machine.tellers.len() as u64)) as usize;
            let teller = Arc::clone(&machine.tellers[victim]);
            let down_ms = world.draw(|dice| dice.between(500, 15_000));
            teller.set_down(true);
            tokio::spawn(async move {
                sleep(Duration::from_millis(down_ms)).await;
                teller.set_down(false);
            });
        }
        let killed = world.swarm.rate(Fault::Killed) * 20;
        if world.draw(|dice| dice.per_mille(killed)) {
            let world = Arc::clone(world);
            tokio::spawn(async move { match world.die(Death::Killed).await {} });
        }
    }
}

fn heal(machine: &Machine) -> u64 {
    let world = &machine.world;
    world.notes().phase = Phase::Heal;
    machine.tellers.iter().for_each(|teller| teller.set_down(false));
    world.trace("heal");
    world.now_ms()
}

/// Until every client has its final answers and nothing is unknown, or the time is up.
async fn converge(machine: &Machine, clients: &mut [Client], healed_ms: u64) {
    loop {
        sleep(Duration::from_secs(1)).await;
        let mut all = true;
        for client in &mut *clients {
            all &= client.chase().await;
        }
        let known = open(&*machine.live().await).await == 0;
        let insisting = machine.tellers.iter().any(|teller| teller.insists());
        let quiet = machine.world.now_ms() > healed_ms + STRAGGLERS_MS;
        if (all && known && !insisting && quiet) || machine.world.now_ms() > healed_ms + CONVERGE_MS {
            return;
        }
    }
}

async fn open(live: &Live) -> usize {
    let query =
        Query::Due { kind: DueKind::Open, until: Timestamp(i64::MAX), after: None, limit: usize::MAX };
    live.journal.query(&query).await.map_or(usize::MAX, |due| due.len())
}

/// What the engine still holds when nothing is left to do.
async fn rest(machine: &Machine) -> (usize, usize) {
    sleep(Duration::from_secs(5)).await;
    let live = machine.live().await;
    (live.engine.tasks.running(), live.engine.claims.len())
}

/// A last death, so that all that follows comes from the disk.
async fn restart(machine: &Arc<Machine>) {
    let life = machine.live().await.life;
    let world = Arc::clone(&machine.world);
    let death = if world.draw(|dice| dice.per_mille(500)) { Death::PowerLost } else { Death::Killed };
    tokio::spawn(async move { match world.die(death).await {} });
    machine.over(life).await;
    machine.live().await;
}

/// Everything that the store says, and what lies on the disk.
async fn read_store(machine: &Machine, live: &Live, (tenant, clients): (Tenant, &[Client])) -> StoreFacts {
    let journal = &live.journal;
    let range = Range { above: None, below: None, first: First::Oldest, limit: usize::MAX };
    let mut facts = StoreFacts::default();
    let rows = journal.query(&Query::Payments { tenant, customer: None, range }).await;
    for stored in rows.expect("a store that was just opened can be read") {
        let Row::Payment(row) = stored.row else { continue };
        let history = journal.history(tenant, row.payment.id).await.expect("as above");
        facts.payments.push(dump::payment(&row.payment, &history));
    }
    add_told(journal, tenant, &mut facts).await;
    for client in clients {
        for (request, _) in &client.requests {
            let key = RowKey::Claim(ClaimKey { tenant, key: request.key.clone().into() });
            let found = journal.inner().read(&key).await.expect("as above");
            if let Some(Row::Claim(claim)) = found.map(|stored| stored.row) {
                facts.claims.insert(request.key.clone(), dump::claim(&claim.state));
            }
        }
    }
    facts.cards_in_clear = cards_in_clear(machine);
    facts
}

async fn add_told(journal: &SimJournal, tenant: Tenant, facts: &mut StoreFacts) {
    let range = Range { above: None, below: None, first: First::Oldest, limit: usize::MAX };
    let query = Query::Events { tenant, kinds: Vec::new(), range };
    let mut told: BTreeMap<String, Vec<(&'static str, u32)>> = BTreeMap::new();
    for stored in journal.query(&query).await.expect("a store that was just opened can be read") {
        let Row::Event(event) = stored.row else { continue };
        let (payment, version) = match event.snapshot {
            Snapshot::Payment { payment, version }
            | Snapshot::Charge { payment, version, .. }
            | Snapshot::Refund { payment, version, .. } => (payment, version),
            Snapshot::Json(_) | Snapshot::Review { .. } => continue,
        };
        told.entry(payment.to_string()).or_default().push((event.kind.as_str(), version));
    }
    for payment in &mut facts.payments {
        payment.told = told.remove(&payment.id).unwrap_or_default();
    }
}

/// How many of the clients' card numbers can be read on the disk.
fn cards_in_clear(machine: &Machine) -> usize {
    let disk = &machine.platter.disk;
    let mut found = 0;
    for name in disk.list().expect("the lossy disk lists its files") {
        let mut bytes = vec![0; disk.len(&name).expect("it is listed") as usize];
        disk.read(&name, 0, &mut bytes).expect("it is listed");
        let runs = bytes.split(|byte| !byte.is_ascii_digit()).filter(|run| run.len() >= 15);
        let shown =
            |run: &[u8]| CARDS.iter().any(|card| run.windows(card.len()).any(|w| w == card.as_bytes()));
        found += runs.filter(|run| shown(run)).count();
    }
    found
}
