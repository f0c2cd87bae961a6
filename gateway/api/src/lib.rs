//! The merchant dialect: wire types, form decoding, the error envelope, a typed client.
