//! What the scorer is told: authorizations, their outcomes, and the labels that arrive later.

/// The six kinds of entity that carry a history of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// A payment card, by its keyed fingerprint.
    Card,
    /// A customer account of the merchant.
    Customer,
    /// The merchant or terminal where the card is used.
    Merchant,
    /// A network address, or a prefix of one.
    Address,
    /// A device, by its fingerprint.
    Device,
    /// An e-mail address.
    Email,
}

impl Entity {
    /// Every kind, in the order of `Event::keys`.
    pub const ALL: [Entity; 6] =
        [Entity::Card, Entity::Customer, Entity::Merchant, Entity::Address, Entity::Device, Entity::Email];

    /// Name of the kind, as features and column maps spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Entity::Card => "card",
            Entity::Customer => "customer",
            Entity::Merchant => "merchant",
            Entity::Address => "address",
            Entity::Device => "device",
            Entity::Email => "email",
        }
    }

    /// Place of the kind in `Event::keys`.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One authorization, as the features see it.
///
/// Keys are 64-bit fingerprints that the caller makes (keyed hashes of the real identifiers); the same
/// identifier must always give the same key. See [`key_of`] for one that suits data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Identifies the event, so that a label finds it. Unique among the events of one label delay.
    pub id: u64,
    /// When it happened, Unix seconds.
    pub time_s: i64,
    /// Amount in minor units of `currency`.
    pub amount_minor: i64,
    /// Decimal places of the currency: an amount of 1999 with exponent 2 is 19.99.
    pub exponent: u8,
    /// ISO 4217 letters, lower case.
    pub currency: [u8; 3],
    /// Key of each entity, in the order of [`Entity::ALL`]; `None` where the payment names none.
    pub keys: [Option<u64>; 6],
}

impl Event {
    /// An event with no entity yet.
    pub fn new(id: u64, time_s: i64, amount_minor: i64) -> Self {
        Event { id, time_s, amount_minor, exponent: 2, currency: *b"usd", keys: [None; 6] }
    }

    /// The same event in another currency with `exponent` decimal places.
    #[must_use]
    pub fn in_currency(mut self, currency: [u8; 3], exponent: u8) -> Self {
        self.currency = currency.map(|letter| letter.to_ascii_lowercase());
        self.exponent = exponent;
        self
    }

    /// The same event with the key of one entity set.
    #[must_use]
    pub fn with(mut self, entity: Entity, key: u64) -> Self {
        self.keys[entity.index()] = Some(key);
        self
    }

    /// Key of one entity.
    pub fn key(&self, entity: Entity) -> Option<u64> {
        self.keys[entity.index()]
    }

    /// Amount in major units; never negative.
    pub fn amount(&self) -> f64 {
        let minor = self.amount_minor.max(0) as f64;
        minor / 10f64.powi(i32::from(self.exponent))
    }
}

/// What became of an authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The issuer approved it.
    Approved,
    /// The issuer declined it.
    Declined,
    /// It was refused before any acquirer was asked.
    Blocked,
}

/// A durable record, in journal order: the only thing that changes the state of the features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// An authorization was accepted for processing.
    Authorization(Event),
    /// The outcome of an earlier authorization.
    Outcome {
        /// The authorization, as it was recorded.
        event: Event,
        /// What became of it.
        outcome: Outcome,
        /// When that was known, Unix seconds.
        time_s: i64,
    },
    /// A label for an earlier authorization.
    Label {
        /// The authorization, as it was recorded.
        event: Event,
        /// Whether it was fraud.
        verdict: Label,
        /// When the label was known, Unix seconds. It is used no earlier than this, and no earlier than the
        /// label delay after the event.
        known_at_s: i64,
    },
}

/// The truth about a payment, once known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Confirmed fraud.
    Fraud,
    /// Confirmed genuine; withdraws an earlier report of fraud.
    Genuine,
}

impl Label {
    /// `true` becomes `Fraud`.
    pub fn from_flag(fraud: impl Into<bool>) -> Self {
        if fraud.into() { Label::Fraud } else { Label::Genuine }
    }
}

/// A 64-bit key for an identifier of a data file: FNV-1a with a finishing mix. Not keyed: where an attacker
/// chooses the identifier, use a keyed hash in its place.
pub fn key_of(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(hash)
}

/// Spreads the bits of a key over the whole word.
pub(crate) fn mix(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
