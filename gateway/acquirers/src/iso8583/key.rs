//! What an answer must repeat to be the answer to a message: class and function, 7, 11, 37, 41 and 42. A trace number alone
//! names nothing: it comes round again after a million messages.

use super::codec::{Builder, Message, Mti};

/// The matching fields of a message and of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    answer: Mti,
    transmitted: [u8; 10],
    trace: [u8; 6],
    reference: [u8; 12],
    terminal: [u8; 8],
    acceptor: [u8; 15],
}

impl Key {
    /// The key that the answer to this request will have; nothing if the request lacks a matching field.
    #[must_use]
    pub fn of_request(mti: Mti, message: &Builder<'_>) -> Option<Key> {
        Key::new(mti.answer()?, |field| message.field(field))
    }

    /// The key of an answer; nothing if it lacks a matching field.
    #[must_use]
    pub fn of_answer(message: &Message<'_>) -> Option<Key> {
        Key::new(message.mti(), |field| message.field(field))
    }

    fn new<'v>(answer: Mti, field: impl Fn(u8) -> Option<&'v [u8]>) -> Option<Key> {
        Some(Key {
            answer,
            transmitted: field(7)?.try_into().ok()?,
            trace: field(11)?.try_into().ok()?,
            reference: field(37)?.try_into().ok()?,
            terminal: field(41)?.try_into().ok()?,
            acceptor: field(42)?.try_into().ok()?,
        })
    }
}

/// What an 0810 must repeat: 7, 11 and 70.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetworkKey {
    transmitted: [u8; 10],
    trace: [u8; 6],
    code: [u8; 3],
}

impl NetworkKey {
    /// The key of an 0800 that was built here.
    #[must_use]
    pub fn of_request(message: &Builder<'_>) -> Option<NetworkKey> {
        NetworkKey::new(|field| message.field(field))
    }

    /// The key of an 0810.
    #[must_use]
    pub fn of_answer(message: &Message<'_>) -> Option<NetworkKey> {
        NetworkKey::new(|field| message.field(field))
    }

    fn new<'v>(field: impl Fn(u8) -> Option<&'v [u8]>) -> Option<NetworkKey> {
        Some(NetworkKey {
            transmitted: field(7)?.try_into().ok()?,
            trace: field(11)?.try_into().ok()?,
            code: field(70)?.try_into().ok()?,
        })
    }
}
