//! Load tester, acquirer host and money audit for Tollgate: a client like any other, that believes nobody.

pub mod audit;
pub mod bare;
pub mod ceiling;
pub mod cli;
pub mod crash;
pub mod endurance;
pub mod failover;
pub mod failure;
pub mod load;
pub mod measure;
pub mod mix;
pub mod peer;
pub mod random;
pub mod report;
pub mod stage;
pub mod upstream;
pub mod wire;
