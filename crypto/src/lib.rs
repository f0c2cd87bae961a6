//! Secrets and their arithmetic: sealed card numbers, keyed fingerprints, signatures, TLS settings.
