//! The extractor's state as bytes and back. Equal states give equal bytes, so a rebuild can be checked.

use std::sync::PoisonError;

use super::state::{Amounts, EntityState, Risk, Velocity};
use super::stream::{Extractor, Late, Pending, Settings, State, Writer};
use super::window::{Distinct, Ring};
use crate::event::{Entity, Label};

const MAGIC: &[u8; 8] = b"TGRISK\x00\x03";
const CHECKSUM_BYTES: usize = 4;

/// Why bytes are no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// Another format, or another version of it: rebuild the state from the journal.
    Foreign,
    /// Cut short or changed: rebuild the state from the journal.
    Damaged,
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SnapshotError::Foreign => "not a snapshot of this version; rebuild the features from the journal",
            SnapshotError::Damaged => "the snapshot is damaged; rebuild the features from the journal",
        })
    }
}

impl std::error::Error for SnapshotError {}

/// Little-endian fields, one after the other, in both directions.
enum Codec<'a> {
    Write(&'a mut Vec<u8>),
    Read(&'a [u8]),
}

impl Codec<'_> {
    fn bytes<const N: usize>(&mut self, value: [u8; N]) -> Result<[u8; N], SnapshotError> {
        match self {
            Codec::Write(out) => {
                out.extend_from_slice(&value);
                Ok(value)
            }
            Codec::Read(rest) => {
                let (first, tail) = rest.split_first_chunk::<N>().ok_or(SnapshotError::Damaged)?;
                *rest = tail;
                Ok(*first)
            }
        }
    }

    fn u8(&mut self, value: &mut u8) -> Result<(), SnapshotError> {
        *value = u8::from_le_bytes(self.bytes(value.to_le_bytes())?);
        Ok(())
    }

    fn u16(&mut self, value: &mut u16) -> Result<(), SnapshotError> {
        *value = u16::from_le_bytes(self.bytes(value.to_le_bytes())?);
        Ok(())
    }

    fn u32(&mut self, value: &mut u32) -> Result<(), SnapshotError> {
        *value = u32::from_le_bytes(self.bytes(value.to_le_bytes())?);
        Ok(())
    }

    fn u64(&mut self, value: &mut u64) -> Result<(), SnapshotError> {
        *value = u64::from_le_bytes(self.bytes(value.to_le_bytes())?);
        Ok(())
    }

    fn f32(&mut self, value: &mut f32) -> Result<(), SnapshotError> {
        *value = f32::from_le_bytes(self.bytes(value.to_le_bytes())?);
        Ok(())
    }

    fn all<T>(
        &mut self,
        values: &mut [T],
        each: impl Fn(&mut Self, &mut T) -> Result<(), SnapshotError>,
    ) -> Result<(), SnapshotError> {
        values.iter_mut().try_for_each(|value| each(self, value))
    }

    fn ring<const N: usize>(&mut self, ring: &mut Ring<N>) -> Result<(), SnapshotError> {
        self.all(&mut ring.slots, Self::u16)
    }

    fn distinct(&mut self, distinct: &mut Distinct) -> Result<(), SnapshotError> {
        self.u64(&mut distinct.now)?;
        self.u64(&mut distinct.before)
    }

    fn velocity(&mut self, velocity: &mut Velocity) -> Result<(), SnapshotError> {
        self.u32(&mut velocity.first_s)?;
        self.u32(&mut velocity.last_s)?;
        self.u32(&mut velocity.total)?;
        self.u32(&mut velocity.declined_s)?;
        self.all(&mut velocity.counts, Self::f32)?;
        self.all(&mut velocity.sums, Self::f32)?;
        self.all(&mut velocity.declines, Self::f32)?;
        self.ring(&mut velocity.minutes)?;
        self.ring(&mut velocity.hours)?;
        self.ring(&mut velocity.days)?;
        self.distinct(&mut velocity.distinct)
    }

    fn amounts(&mut self, amounts: &mut Amounts) -> Result<(), SnapshotError> {
        for value in [&mut amounts.weight, &mut amounts.mean, &mut amounts.variance, &mut amounts.largest] {
            self.f32(value)?;
        }
        self.u32(&mut amounts.odd_first_s)?;
        self.u32(&mut amounts.odd_last_s)?;
        self.all(&mut amounts.odd, Self::f32)
    }

    fn risk(&mut self, risk: &mut Risk) -> Result<(), SnapshotError> {
        self.u32(&mut risk.known_s)?;
        self.all(&mut risk.known, Self::f32)?;
        self.all(&mut risk.fraud, Self::f32)?;
        self.f32(&mut risk.plain)?;
        self.u16(&mut risk.run)?;
        self.u16(&mut risk.genuine_since)?;
        self.u32(&mut risk.run_first_s)?;
        self.u32(&mut risk.episode_first_s)?;
        self.u32(&mut risk.last_fraud_s)
    }

    fn entity(&mut self, state: &mut EntityState) -> Result<(), SnapshotError> {
        self.velocity(&mut state.velocity)?;
        self.amounts(&mut state.amounts)?;
        self.risk(&mut state.risk)?;
        self.u32(&mut state.approved_s)?;
        let mut referenced = u8::from(state.referenced);
        self.u8(&mut referenced)?;
        state.referenced = referenced != 0;
        Ok(())
    }

    fn key(&mut self, key: &mut Option<u64>) -> Result<(), SnapshotError> {
        let (mut present, mut value) = (u8::from(key.is_some()), key.unwrap_or_default());
        self.u8(&mut present)?;
        self.u64(&mut value)?;
        *key = (present != 0).then_some(value);
        Ok(())
    }

    fn pending(&mut self, payment: &mut Pending) -> Result<(), SnapshotError> {
        self.u64(&mut payment.id)?;
        self.u32(&mut payment.paid_s)?;
        self.f32(&mut payment.amount)?;
        self.key(&mut payment.card)?;
        self.key(&mut payment.merchant)
    }

    fn count(&mut self, count: usize) -> Result<u64, SnapshotError> {
        let mut count = count as u64;
        self.u64(&mut count)?;
        Ok(count)
    }
}

const NOBODY: Pending = Pending { id: 0, paid_s: 0, amount: 0.0, card: None, merchant: None };

impl Extractor {
    /// Everything it knows, as bytes. Equal histories give equal bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let writer = self.lock();
        let state = self.state();
        // It can be a hundred megabytes, and is taken often: it must not be copied while it grows.
        let room = room(&writer);
        let mut out = Vec::with_capacity(room);
        out.extend_from_slice(MAGIC);
        write_all(self.settings, &writer, &state, &mut Codec::Write(&mut out))
            .expect("writing to memory does not fail");
        drop((state, writer));
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        debug_assert!(out.len() <= room, "{} bytes in room for {room}", out.len());
        out
    }

    /// The state that `snapshot` wrote.
    ///
    /// # Errors
    /// The bytes are of another format, or damaged.
    pub fn restore(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let body = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::Foreign)?;
        let (body, checksum) = body.split_last_chunk::<CHECKSUM_BYTES>().ok_or(SnapshotError::Damaged)?;
        if crc32c::crc32c(&bytes[..MAGIC.len() + body.len()]).to_le_bytes() != *checksum {
            return Err(SnapshotError::Damaged);
        }
        read_all(&mut Codec::Read(body))
    }
}

/// Bytes that a snapshot takes, at most.
fn room(writer: &Writer) -> usize {
    let entities: usize =
        writer.queues.iter().map(|queue| 16 + queue.keys.len() * (8 + size_of::<EntityState>())).sum();
    let labels = writer.pending.len() * size_of::<Pending>()
        + writer.frauds.len() * (8 + 4)
        + writer.late.len() * (4 + 8 + size_of::<Late>());
    // Magic, settings, counters, counts of three lists, and the checksum.
    128 + entities + labels
}

fn write_all(
    mut settings: Settings,
    writer: &Writer,
    state: &State,
    codec: &mut Codec<'_>,
) -> Result<(), SnapshotError> {
    codec.count(settings.entities)?;
    codec.count(settings.pending)?;
    codec.u32(&mut settings.label_delay_s)?;
    codec.u64(&mut state.position.clone())?;
    codec.f32(&mut state.prior.clone())?;
    let mut counters = [u64::from(writer.now_s), writer.matured, writer.matured_frauds];
    codec.all(&mut counters, Codec::u64)?;
    for (queue, table) in writer.queues.iter().zip(&state.tables) {
        codec.count(queue.evicted as usize)?;
        codec.count(queue.keys.len())?;
        for key in &queue.keys {
            codec.u64(&mut key.clone())?;
            codec.entity(&mut table.read(*key).copied().unwrap_or_default())?;
        }
    }
    codec.count(writer.pending.len())?;
    writer.pending.iter().try_for_each(|payment| codec.pending(&mut payment.clone()))?;
    codec.count(writer.frauds.len())?;
    for (id, known_s) in &writer.frauds {
        codec.u64(&mut id.clone())?;
        codec.u32(&mut known_s.clone())?;
    }
    codec.count(writer.late.len())?;
    for ((known_s, id), label) in &writer.late {
        codec.u32(&mut known_s.clone())?;
        codec.u64(&mut id.clone())?;
        codec.pending(&mut label.payment.clone())?;
        codec.u8(&mut u8::from(label.verdict == Label::Fraud))?;
    }
    Ok(())
}

fn read_all(codec: &mut Codec<'_>) -> Result<Extractor, SnapshotError> {
    let (entities, pending) = (codec.count(0)? as usize, codec.count(0)? as usize);
    let mut settings = Settings { entities, pending, label_delay_s: 0 };
    codec.u32(&mut settings.label_delay_s)?;
    let (mut position, mut prior, mut counters) = (0, 0.0, [0u64; 3]);
    codec.u64(&mut position)?;
    codec.f32(&mut prior)?;
    codec.all(&mut counters, Codec::u64)?;
    let extractor = Extractor::new(settings);
    let (mut writer, mut state) =
        (extractor.lock(), extractor.state.write().unwrap_or_else(PoisonError::into_inner));
    (state.position, state.prior) = (position, prior);
    writer.now_s = counters[0] as u32;
    (writer.matured, writer.matured_frauds) = (counters[1], counters[2]);
    for kind in Entity::ALL {
        writer.queues[kind.index()].evicted = codec.count(0)?;
        for _ in 0..codec.count(0)? {
            let (mut key, mut entity) = (0, EntityState::default());
            codec.u64(&mut key)?;
            codec.entity(&mut entity)?;
            writer.queues[kind.index()].keys.push_back(key);
            state.tables[kind.index()].insert(key, entity);
        }
    }
    read_labels(codec, &mut writer)?;
    drop((writer, state));
    match codec {
        Codec::Read([]) => Ok(extractor),
        Codec::Read(_) | Codec::Write(_) => Err(SnapshotError::Damaged),
    }
}

fn read_labels(codec: &mut Codec<'_>, writer: &mut Writer) -> Result<(), SnapshotError> {
    for _ in 0..codec.count(0)? {
        let mut payment = NOBODY;
        codec.pending(&mut payment)?;
        writer.pending.push_back(payment);
    }
    for _ in 0..codec.count(0)? {
        let (mut id, mut known_s) = (0, 0);
        codec.u64(&mut id)?;
        codec.u32(&mut known_s)?;
        writer.frauds.insert(id, known_s);
    }
    for _ in 0..codec.count(0)? {
        let (mut known_s, mut id, mut payment, mut fraud) = (0, 0, NOBODY, 0);
        codec.u32(&mut known_s)?;
        codec.u64(&mut id)?;
        codec.pending(&mut payment)?;
        codec.u8(&mut fraud)?;
        let verdict = if fraud == 1 { Label::Fraud } else { Label::Genuine };
        writer.late.insert((known_s, id), Late { payment, verdict });
    }
    Ok(())
}
