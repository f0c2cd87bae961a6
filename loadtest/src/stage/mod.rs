//! The stage of a run: the processes beside the client, their directories, configuration and ready files.

pub mod acquirer;
pub mod admin;
pub mod bare;
pub mod child;
pub mod config;
pub mod gateway;
pub mod interrupt;
pub mod processors;
pub mod wallet;

pub use acquirer::AcquirerHost;
pub use admin::Admin;
pub use bare::BareServer;
pub use child::Child;
pub use config::{AcquirerKind, Config, MAX_DELAY_MS};
pub use gateway::{Gateway, Install};
pub use processors::Halves;
pub use wallet::WalletPlace;
