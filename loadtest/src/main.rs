//! Load tester, acquirer host and money audit for Tollgate.

fn main() {}
