//! Our own seeded world of labelled payments, with honest habits and several kinds of fraud.
//!
//! Nothing that trains knows the constants below: they are drawn anew for every campaign, from ranges.

use crate::event::mix;

/// Size and seed of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct World {
    /// The same seed gives the same payments.
    pub seed: u64,
    /// Cards, one a customer.
    pub cards: usize,
    /// Merchants.
    pub merchants: usize,
    /// Days of payments.
    pub days: usize,
    /// First day, Unix seconds of its start.
    pub start_s: i64,
}

/// What lies behind a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The card's holder.
    Genuine,
    /// The merchant's terminal was tampered with.
    Skimming,
    /// The card's data was stolen and sold: larger amounts, from elsewhere.
    StolenCard,
    /// The customer's account was taken over: a new device, goods that sell well.
    Takeover,
    /// One address tries many card numbers with small amounts.
    CardTesting,
    /// One large purchase, at night.
    BigTicket,
}

impl Kind {
    /// Name in the files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Genuine => "genuine",
            Kind::Skimming => "skimming",
            Kind::StolenCard => "stolen_card",
            Kind::Takeover => "takeover",
            Kind::CardTesting => "card_testing",
            Kind::BigTicket => "big_ticket",
        }
    }
}

/// A payment of the world. Entities are small numbers; 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// When, Unix seconds.
    pub time_s: i64,
    /// The card.
    pub card: u32,
    /// The merchant.
    pub merchant: u32,
    /// Network address.
    pub address: u32,
    /// Device.
    pub device: u32,
    /// E-mail address.
    pub email: u32,
    /// Cents.
    pub amount_minor: i64,
    /// Currency.
    pub currency: &'static str,
    /// Whether the issuer declined it.
    pub declined: bool,
    /// What lies behind it.
    pub kind: Kind,
}

/// A small generator of random numbers; the same on every machine.
pub struct Dice(u64);

impl Dice {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Dice(mix(seed))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// At least 0, below 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// One of `count` places.
    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal: the sum of twelve uniforms, which needs no transcendental function.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A count with this mean.
    pub fn count(&mut self, mean: f64) -> usize {
        let whole = mean.floor();
        // A binomial of four halves around the mean is close enough to Poisson for small means.
        let spread = (0..4).filter(|_| self.chance(0.5)).count() as f64 - 2.0;
        let drawn = whole + f64::from(u8::from(self.chance(mean - whole))) + spread * mean.min(1.0);
        drawn.max(0.0).round() as usize
    }
}

struct Customer {
    mean: f64,
    spread: f64,
    daily: f64,
    /// Hour around which the customer buys.
    hour: f64,
    online: f64,
    currency: &'static str,
    favourites: Vec<u32>,
    address: u32,
    device: u32,
}

/// A campaign of fraud.
struct Campaign {
    kind: Kind,
    /// Card or merchant.
    target: usize,
    from_day: usize,
    to_day: usize,
    /// Share of the target's payments, or payments a day.
    strength: f64,
    /// Factor of the amounts.
    factor: f64,
    /// Address and device of the fraudster.
    place: u32,
}

/// Payments of a world, in order of time.
pub fn simulate(world: World) -> Vec<Simulated> {
    let mut dice = Dice::new(world.seed);
    let customers: Vec<Customer> = (0..world.cards).map(|card| customer(&mut dice, card, world)).collect();
    let campaigns = campaigns(&mut dice, world);
    let mut payments = Vec::new();
    for day in 0..world.days {
        let today: Vec<&Campaign> =
            campaigns.iter().filter(|campaign| (campaign.from_day..campaign.to_day).contains(&day)).collect();
        for (card, customer) in customers.iter().enumerate() {
            honest_day(&mut dice, (world, day), (card, customer), &mut payments);
        }
        let from =
            payments.partition_point(|paid: &Simulated| paid.time_s < world.start_s + day as i64 * 86_400);
        for campaign in today {
            fraud_day(&mut dice, (world, day), campaign, (&customers, from), &mut payments);
        }
        payments[from..].sort_by_key(|paid| (paid.time_s, paid.card, paid.merchant, paid.amount_minor));
    }
    payments
}

fn customer(dice: &mut Dice, card: usize, world: World) -> Customer {
    let mean = (3.4 + 0.7 * dice.normal()).exp().clamp(4.0, 400.0);
    let favourites = 3 + dice.below(25);
    let region = dice.below(world.merchants);
    Customer {
        mean,
        spread: dice.between(0.25, 0.6),
        daily: dice.between(0.1, 2.5) * dice.unit() + 0.05,
        hour: dice.between(9.0, 20.0),
        online: dice.unit() * dice.unit(),
        currency: if dice.chance(0.8) { "usd" } else { "eur" },
        favourites: (0..favourites)
            .map(|_| ((region + dice.below(world.merchants.min(200))) % world.merchants) as u32 + 1)
            .collect(),
        address: card as u32 / 2 + 1,
        device: card as u32 + 1,
    }
}

fn honest_day(
    dice: &mut Dice,
    (world, day): (World, usize),
    (card, customer): (usize, &Customer),
    payments: &mut Vec<Simulated>,
) {
    for _ in 0..dice.count(customer.daily) {
        let hour = (customer.hour + 3.5 * dice.normal()).rem_euclid(24.0);
        let mut amount = customer.mean * (customer.spread * dice.normal()).exp();
        if dice.chance(0.01) {
            // Honest people make an odd purchase now and then.
            amount *= dice.between(2.0, 8.0);
        }
        let away = dice.chance(0.08);
        let online = dice.chance(customer.online);
        let fresh = world.cards as u32 + dice.below(world.cards) as u32;
        payments.push(Simulated {
            time_s: world.start_s + day as i64 * 86_400 + (hour * 3_600.0) as i64,
            card: card as u32 + 1,
            merchant: customer.favourites[dice.below(customer.favourites.len())],
            address: if !online {
                0
            } else if away {
                fresh
            } else {
                customer.address
            },
            device: if online { customer.device + if dice.chance(0.01) { 5_000_000 } else { 0 } } else { 0 },
            email: if online { card as u32 + 1 } else { 0 },
            amount_minor: (amount * 100.0).round().max(50.0) as i64,
            currency: customer.currency,
            declined: dice.chance(0.03),
            kind: Kind::Genuine,
        });
    }
}

fn campaigns(dice: &mut Dice, world: World) -> Vec<Campaign> {
    let mut all = Vec::new();
    let rate = |count: usize, per: f64| count as f64 / per;
    for day in 0..world.days {
        let plans = [
            (Kind::Skimming, rate(world.merchants, 8_000.0)),
            (Kind::StolenCard, rate(world.cards, 3_500.0)),
            (Kind::Takeover, rate(world.cards, 9_000.0)),
            (Kind::CardTesting, rate(world.cards, 60_000.0)),
            (Kind::BigTicket, rate(world.cards, 4_000.0)),
        ];
        for (kind, mean) in plans {
            let started = mean.floor() as usize + usize::from(dice.chance(mean.fract()));
            for _ in 0..started {
                all.push(campaign(dice, world, (kind, day)));
            }
        }
    }
    all
}

fn campaign(dice: &mut Dice, world: World, (kind, day): (Kind, usize)) -> Campaign {
    let (days, strength, factor) = match kind {
        Kind::Skimming => (dice.between(12.0, 40.0), dice.between(0.5, 1.0), 1.0),
        Kind::StolenCard => (dice.between(3.0, 16.0), dice.between(0.4, 1.6), dice.between(2.0, 7.0)),
        Kind::Takeover => (dice.between(1.0, 5.0), dice.between(1.0, 3.0), dice.between(1.5, 5.0)),
        Kind::CardTesting => (1.0, dice.between(20.0, 80.0), 0.0),
        Kind::BigTicket | Kind::Genuine => (1.0, 1.0, dice.between(6.0, 20.0)),
    };
    let target = match kind {
        Kind::Skimming => dice.below(world.merchants),
        Kind::StolenCard | Kind::Takeover | Kind::BigTicket | Kind::CardTesting | Kind::Genuine => {
            dice.below(world.cards)
        }
    };
    let place = 10_000_000 + dice.below(4_000_000) as u32;
    Campaign { kind, target, from_day: day, to_day: day + days.ceil() as usize, strength, factor, place }
}

fn fraud_day(
    dice: &mut Dice,
    (world, day): (World, usize),
    campaign: &Campaign,
    (customers, from): (&[Customer], usize),
    payments: &mut Vec<Simulated>,
) {
    let day_s = world.start_s + day as i64 * 86_400;
    if campaign.kind == Kind::Skimming {
        let merchant = campaign.target as u32 + 1;
        for paid in payments[from..].iter_mut().filter(|paid| paid.merchant == merchant) {
            if dice.chance(campaign.strength) {
                paid.kind = Kind::Skimming;
                paid.declined = dice.chance(0.1);
            }
        }
        return;
    }
    let burst_s = dice.below(80_000) as i64;
    for step in 0..dice.count(campaign.strength) {
        let testing = campaign.kind == Kind::CardTesting;
        let card = if testing { dice.below(customers.len()) } else { campaign.target };
        let customer = &customers[card];
        let amount = if testing {
            dice.between(0.5, 3.0)
        } else {
            customer.mean * campaign.factor * (0.3 * dice.normal()).exp()
        };
        let time_s = match campaign.kind {
            Kind::CardTesting => burst_s + 20 * step as i64 + dice.below(20) as i64,
            Kind::BigTicket => dice.below(6 * 3_600) as i64,
            Kind::StolenCard | Kind::Takeover | Kind::Skimming | Kind::Genuine => dice.below(86_400) as i64,
        };
        let stolen = campaign.kind == Kind::StolenCard && dice.chance(0.4);
        payments.push(Simulated {
            time_s: day_s + time_s,
            card: card as u32 + 1,
            merchant: dice.below(world.merchants) as u32 + 1,
            address: if stolen { 0 } else { campaign.place },
            device: if stolen { 0 } else { campaign.place },
            email: if campaign.kind == Kind::Takeover { card as u32 + 1 } else { 0 },
            amount_minor: (amount * 100.0).round().max(50.0) as i64,
            currency: customer.currency,
            declined: dice.chance(if testing { 0.85 } else { 0.2 }),
            kind: campaign.kind,
        });
    }
}
