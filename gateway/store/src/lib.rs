//! Storage engines behind the journal port: memory and embedded.
