//! The payment domain: money, ids, the payment's state machine, and the ports to the world.
//!
//! Architecture invariant: nothing here does I/O, reads a clock, draws a random number or needs a runtime. Everything
//! that the world decides comes in through a port or a parameter, so the whole of it runs in a seeded simulation.

pub mod acquirer;
pub mod card;
pub mod claim;
pub mod event;
pub mod id;
pub mod journal;
pub mod ledger;
pub mod means;
pub mod money;
pub mod payment;
pub mod ports;
pub mod record;
pub mod refusal;
pub mod risk;
pub mod tenant;
pub mod time;

pub use acquirer::{Acquirer, Answer, Permit};
pub use card::{CardFacts, Pan, SealedCard};
pub use claim::{Claim, ClaimKey};
pub use event::{EventKind, PublicEvent};
pub use journal::{Batch, Expect, Journal, Row, RowKey, Version, Write};
pub use means::{Means, MeansKind, Wallet};
pub use money::{Currency, Money};
pub use payment::{Payment, Status, apply, decide};
pub use ports::{BoxFuture, Clock, Ids, Random, Sequences};
pub use refusal::Refusal;
pub use smol_str::{SmolStr, format_smolstr};
pub use tenant::{Mode, Tenant};
pub use time::Timestamp;
