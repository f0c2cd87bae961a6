//! The other end of the wire, where it is ISO 8583: streams of memory that tear, break and are refused, sign-on and echo, and
//! messages read from their bytes and held against what the engine had said.

use super::super::facts::Op;
use super::super::faults::{Deed, Fault, Stage};
use super::super::world::Phase;
use super::book::{Message as Order, Ruling};
use super::teller::{Back, Teller};
use bytes::BytesMut;
use gateway_acquirers::iso8583::codec::{Builder, Class, CodecError, Message, Mti, Profile, next_frame};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, split};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::sleep;

/// Sign-on, in field 70.
const SIGN_ON: u64 = 1;
/// The most bytes that one read takes.
const CHUNK: u64 = 96;

/// What the engine is sending, as the port heard it.
#[derive(Clone)]
pub struct Expected {
    pub order: Order,
    pub first: bool,
    pub hurt: Option<Fault>,
    /// Its place in the list of those sent.
    pub place: usize,
}

/// Bytes on their way to the gateway, and whether the link breaks in the middle of them.
struct Out {
    bytes: Vec<u8>,
    torn: bool,
}

#[derive(Default)]
struct Papers {
    /// By trace number, and whether for the first time: what is on its way, in the order of sending.
    expected: BTreeMap<(u32, bool), VecDeque<Expected>>,
    /// Everything that was ever sent: what one life of the process sent may come in the next.
    known: BTreeMap<(u32, bool), Expected>,
    /// The request of each reference, whose echo an answer carries.
    requests: BTreeMap<u64, Vec<u8>>,
    /// The connections that stand, the newest last.
    lines: Vec<(u64, mpsc::UnboundedSender<Out>)>,
    opened: u64,
    /// The next message is cut off, and the link with it.
    tear: bool,
    /// Until then nobody is let in, in virtual milliseconds.
    closed_until_ms: u64,
}

/// One acquirer's desk.
#[derive(Default)]
pub struct Desk {
    papers: Mutex<Papers>,
    cut: Notify,
}

impl Desk {
    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.papers.lock().expect("nothing panics while it holds this lock")
    }

    /// Every connection breaks.
    pub fn cut_all(&self) {
        self.cut.notify_waiters();
    }

    /// Every connection breaks, and for a while none comes about.
    pub fn refuse_until(&self, at_ms: u64) {
        self.papers().closed_until_ms = at_ms;
        self.cut_all();
    }

    /// Whether nobody is let in now.
    pub fn is_closed(&self, now_ms: u64) -> bool {
        now_ms < self.papers().closed_until_ms
    }

    /// A message is about to be sent.
    pub fn expect(&self, stan: u32, expected: Expected) {
        let mut papers = self.papers();
        papers.tear |= expected.hurt == Some(Fault::TornRequest);
        let name = (stan, expected.first);
        papers.known.insert(name, expected.clone());
        papers.expected.entry(name).or_default().push_back(expected);
    }

    /// Its sender has an answer, or waits no more.
    pub fn forget(&self, stan: u32, place: usize) {
        let mut papers = self.papers();
        for first in [true, false] {
            if let Some(waiting) = papers.expected.get_mut(&(stan, first)) {
                waiting.retain(|expected| expected.place != place);
            }
        }
    }

    /// What a message that has come is: what was said of it, or of the one before if nobody waits any more.
    fn take(&self, name: (u32, bool)) -> Option<Expected> {
        let mut papers = self.papers();
        let waiting = papers.expected.get_mut(&name).and_then(VecDeque::pop_front);
        waiting.or_else(|| papers.known.get(&name).map(|known| Expected { hurt: None, ..known.clone() }))
    }
}

/// One connection, seen from the host.
pub struct Connection {
    teller: Arc<Teller>,
    number: u64,
    out: mpsc::UnboundedSender<Out>,
}

/// Takes up one end of a stream.
pub fn attend(teller: &Arc<Teller>, stream: DuplexStream) {
    let (out, queue) = mpsc::unbounded_channel();
    let number = {
        let mut papers = teller.desk.papers();
        papers.opened += 1;
        let number = papers.opened;
        papers.lines.push((number, out.clone()));
        number
    };
    let connection = Arc::new(Connection { teller: Arc::clone(teller), number, out });
    tokio::spawn(async move { connection.live(stream, queue).await });
}

/// Tells the gateway something that nobody waits for, if a connection stands.
pub fn tell(teller: &Arc<Teller>, order: &Order, ruling: Ruling) {
    let request = teller.desk.papers().requests.get(&order.reference).cloned();
    let Some(bytes) = request.and_then(|request| answer(&request, order.op, ruling)) else { return };
    let papers = teller.desk.papers();
    if let Some((_, line)) = papers.lines.last() {
        // A connection that ends in this moment loses it.
        let _ = line.send(Out { bytes, torn: false });
    }
}

impl Connection {
    async fn live(self: Arc<Self>, stream: DuplexStream, queue: mpsc::UnboundedReceiver<Out>) {
        let (mut reader, mut writer) = split(stream);
        tokio::select! {
            biased;
            () = self.teller.desk.cut.notified() => {}
            () = self.read(&mut reader) => {}
            () = self.write(&mut writer, queue) => {}
        }
        self.teller.desk.papers().lines.retain(|(number, _)| *number != self.number);
        self.teller.world.trace((self.teller.name, "a connection ends", self.number));
    }

    async fn write(&self, writer: &mut WriteHalf<DuplexStream>, mut queue: mpsc::UnboundedReceiver<Out>) {
        while let Some(Out { bytes, torn }) = queue.recv().await {
            let some = self.teller.world.draw(|dice| dice.between(1, bytes.len() as u64 - 1)) as usize;
            let part = if torn { &bytes[..some] } else { &bytes[..] };
            if writer.write_all(part).await.is_err() || torn {
                return;
            }
        }
    }

    async fn read(self: &Arc<Self>, reader: &mut ReadHalf<DuplexStream>) {
        let mut buffer = BytesMut::new();
        loop {
            let most = self.teller.world.draw(|dice| dice.between(1, CHUNK)) as usize;
            let mut chunk = vec![0; most];
            match reader.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(count) => buffer.extend_from_slice(&chunk[..count]),
            }
            loop {
                match next_frame(Profile::tollgate_1987(), &mut buffer) {
                    Ok(Some(frame)) => self.received(&frame),
                    Ok(None) => break,
                    Err(error) => return self.complain(&format!("its stream is out of step: {error}")),
                }
            }
            if !buffer.is_empty() && self.tears() {
                return;
            }
        }
    }

    /// Whether the link is to break in the middle of the message that is coming in.
    fn tears(&self) -> bool {
        let tears = std::mem::take(&mut self.teller.desk.papers().tear);
        tears && self.teller.world.notes().phase == Phase::Hurt
    }

    fn complain(&self, what: &str) {
        self.teller
            .world
            .give_up(format!("5: to {}, the gateway sent what is no message: {what}", self.teller.name));
    }

    fn received(self: &Arc<Self>, frame: &[u8]) {
        match Message::parse(Profile::tollgate_1987(), frame) {
            Err(error) => self.complain(&error.to_string()),
            Ok(message) if message.mti().class() == Class::Network => self.network(&message),
            Ok(message) => self.order(&message, frame),
        }
    }

    /// Sign-on and echo.
    fn network(self: &Arc<Self>, message: &Message<'_>) {
        let world = &self.teller.world;
        let (signs_on, hurt) = if message.number(70) == Some(SIGN_ON) {
            (true, world.strike(&[Fault::SignOnFails], Stage::Send, Deed::Link))
        } else {
            (false, world.strike(&[Fault::EchoLost], Stage::Wait, Deed::Link))
        };
        let silent =
            hurt == Some(Fault::EchoLost) || (hurt.is_some() && world.draw(|dice| dice.per_mille(500)));
        world.trace((self.teller.name, "link", signs_on, hurt));
        if silent {
            return;
        }
        let code = if hurt.is_some() { "91" } else { "00" };
        if let Ok(bytes) = network_answer(message, code) {
            self.later(bytes, world.draw(|dice| dice.between(1, 30)));
        }
    }

    fn later(self: &Arc<Self>, bytes: Vec<u8>, wait_ms: u64) {
        let own = Arc::clone(self);
        tokio::spawn(async move {
            sleep(Duration::from_millis(wait_ms)).await;
            own.send(Out { bytes, torn: false });
        });
    }

    /// On this connection, or on another one if it is gone.
    fn send(&self, out: Out) {
        let Err(mpsc::error::SendError(out)) = self.out.send(out) else { return };
        let papers = self.teller.desk.papers();
        if let Some((_, line)) = papers.lines.last() {
            let _ = line.send(out);
        }
    }

    /// A message about money: what its bytes say must be what the engine said.
    fn order(self: &Arc<Self>, message: &Message<'_>, frame: &[u8]) {
        let stan = message.number(11).and_then(|stan| u32::try_from(stan).ok());
        let first = !message.mti().is_repeat();
        let expected = stan.and_then(|stan| self.teller.desk.take((stan, first)));
        let Some(expected) = expected else { return self.complain("nothing like it was to be sent") };
        if let Some(wrong) = contradiction(message, &expected) {
            return self.complain(&format!("{wrong} of {:012}", expected.order.reference));
        }
        self.teller.desk.papers().requests.insert(expected.order.reference, frame.to_vec());
        let (sender, receiver) = oneshot::channel();
        let Expected { order, hurt, place, .. } = expected;
        self.teller.post(order.clone(), hurt, (place, sender));
        let (own, frame) = (Arc::clone(self), frame.to_vec());
        tokio::spawn(async move {
            let torn = hurt == Some(Fault::TornAnswer);
            match receiver.await {
                Ok(Back::Ruling(ruling)) => {
                    if let Some(bytes) = answer(&frame, order.op, ruling) {
                        own.send(Out { bytes, torn });
                    }
                }
                Ok(Back::Reset) => own.teller.desk.cut_all(),
                Ok(Back::Garbage) => own.send(Out { bytes: own.garbage(&frame), torn: false }),
                // Lost.
                Err(_) => {}
            }
        });
    }

    /// A frame that can't be read, or bytes that are not even one.
    fn garbage(&self, frame: &[u8]) -> Vec<u8> {
        let world = &self.teller.world;
        if world.draw(|dice| dice.per_mille(300)) {
            return vec![0, 1, 0xFF, 0xFF];
        }
        let mut bytes = vec![0, 0];
        bytes.extend_from_slice(b"0110");
        bytes.extend((4..frame.len()).map(|_| world.draw(|dice| dice.next()) as u8));
        let length = u16::try_from(bytes.len() - 2).expect("as long as a message of the gateway");
        bytes[..2].copy_from_slice(&length.to_be_bytes());
        bytes
    }
}

/// Where the bytes of a message say otherwise than the engine did.
fn contradiction(message: &Message<'_>, expected: &Expected) -> Option<&'static str> {
    let order = &expected.order;
    let (class, processing) = match order.op {
        Op::Authorize => (&b"010"[..], &b"000000"[..]),
        Op::Sale => (&b"020"[..], &b"000000"[..]),
        Op::Refund => (&b"020"[..], &b"200000"[..]),
        Op::Capture => (&b"022"[..], &b"000000"[..]),
        Op::Void => (&b"040"[..], &b"000000"[..]),
        Op::Reverse => (&b"042"[..], message.field(3).unwrap_or_default()),
        Op::Increment | Op::Inquire => return Some("the kind"),
    };
    if !message.mti().as_bytes().starts_with(class) || message.field(3) != Some(processing) {
        return Some("the kind");
    }
    let own = matches!(order.op, Op::Authorize | Op::Sale | Op::Refund);
    let named = if own { Some(order.reference) } else { order.about };
    if message.number(37) != named {
        return Some("the reference");
    }
    let states = !matches!(order.op, Op::Void | Op::Reverse);
    if states && message.number(4) != u64::try_from(order.amount).ok() {
        return Some("the amount");
    }
    let original = matches!(order.op, Op::Void | Op::Reverse);
    (message.field(90).is_some() != original).then_some("the original")
}

/// The answer to a message about money: the echo of what identifies it, and the ruling.
fn answer(request: &[u8], op: Op, ruling: Ruling) -> Option<Vec<u8>> {
    let request = Message::parse(Profile::tollgate_1987(), request).ok()?;
    let mut answer = Builder::new(Profile::tollgate_1987(), request.mti().answer()?);
    let mut write = || -> Result<(), CodecError> {
        for field in [3, 4, 7, 11, 32, 37, 41, 42, 49] {
            if let Some(value) = request.field(field) {
                answer.set(field, value)?;
            }
        }
        let asked = request.number(4);
        let code = match ruling {
            Ruling::Approved(amount) => {
                let amount = u64::try_from(amount).unwrap_or(0);
                // A reversal is acknowledged as such; for anything else the amount is what was approved.
                let other = op != Op::Reverse && op != Op::Void && Some(amount) != asked;
                if other {
                    answer.number(4, amount)?;
                }
                answer.text(38, &format!("{:06}", request.number(11).unwrap_or(0)))?;
                if other { "10" } else { "00" }
            }
            Ruling::Declined => "05",
            Ruling::NotFound => "25",
            Ruling::Pending | Ruling::Asks => "68",
        };
        answer.text(39, code)?;
        Ok(())
    };
    write().ok()?;
    let mut bytes = Vec::new();
    answer.encode(&mut bytes).ok()?;
    Some(bytes)
}

fn network_answer(message: &Message<'_>, code: &str) -> Result<Vec<u8>, CodecError> {
    let mut answer = Builder::new(Profile::tollgate_1987(), Mti::NETWORK_ANSWER);
    for field in [7, 11, 70] {
        answer.set(field, message.field(field).unwrap_or_default())?;
    }
    answer.text(39, code)?;
    let mut bytes = Vec::new();
    answer.encode(&mut bytes)?;
    Ok(bytes)
}
