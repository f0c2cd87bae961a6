//! The domain from outside: tables of cases, one family a file, and a payment beside a reference model and an acquirer's book.

mod announce;
mod answers;
mod book;
mod cancel;
mod capture;
mod claim;
mod confirm;
mod create;
mod expire;
mod increment;
mod invariants;
mod late;
mod ledger;
mod mismatch;
mod model;
mod refund;
mod reroute;
mod reverse;
mod review;
mod scene;
mod settle;
mod stored;
mod table;
mod wallet;
mod words;
