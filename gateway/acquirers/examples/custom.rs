//! An acquirer of one's own, whole: a terminal host that takes one line of text a message and answers one.
//!
//! `AUTH reference amount currency pan` is answered `OK code`, `NO reason` or nothing; `UNDO reference` is answered `OK` or `NONE`.
//! Run it to see one payment: `cargo run -p gateway-acquirers --example custom`. What each part must do is in
//! `gateway/docs/adding-an-acquirer.md`.

use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Approval, CustomerPresence, Decline, DeclineCode,
    Link, Permit, Trace, Transmission, Verb,
};
use gateway_core::card::{CardInClear, Pan};
use gateway_core::id::{Id, MerchantId};
use gateway_core::money::{Currency, Money};
use gateway_core::ports::BoxFuture;
use gateway_core::tenant::{Mode, Tenant};
use gateway_core::time::Timestamp;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A terminal host; one connection a message.
struct TerminalHost {
    address: String,
}

impl TerminalHost {
    /// The message in the host's words, or nothing if the host has no word for it.
    fn line(request: &AcquirerRequest) -> Option<String> {
        let amount = request.amount;
        match &request.verb {
            Verb::Authorize => {
                let pan = request.card.as_ref()?.pan.expose();
                let reference = request.trace.reference_text();
                Some(format!("AUTH {reference} {} {} {pan}\n", amount.minor, amount.currency))
            }
            Verb::Reverse(original) => Some(format!("UNDO {}\n", original.trace.reference_text())),
            Verb::Sale | Verb::Increment(_) | Verb::Capture { .. } | Verb::Void(_) => None,
            Verb::Refund(_) | Verb::Inquire(_) | Verb::Verify => None,
        }
    }

    /// `begun` is set before the first byte is handed over: from there on a failure is not "not sent" any more.
    async fn ask(&self, line: &str, begun: &AtomicBool) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address).await?;
        begun.store(true, Ordering::Release);
        stream.write_all(line.as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await?;
        Ok(answer)
    }

    /// Only a whole line that is known says yes or no.
    fn read(request: &AcquirerRequest, answer: &str) -> Answer {
        let words: Vec<&str> = answer.strip_suffix('\n').unwrap_or_default().split(' ').collect();
        let approval = |code: &str| {
            Answer::Approved(Approval {
                amount: request.amount,
                reference: request.trace.reference_text(),
                authorization_code: code.into(),
                network_transaction_id: None,
                cvc_check: None,
            })
        };
        match (&request.verb, words.as_slice()) {
            (Verb::Authorize, ["OK", code]) => approval(code),
            (Verb::Authorize, ["NO", reason]) => {
                let code =
                    if *reason == "funds" { DeclineCode::InsufficientFunds } else { DeclineCode::DoNotHonor };
                Answer::Declined(Decline { code, network_code: (*reason).into(), cvc_check: None })
            }
            (Verb::Reverse(_), ["OK"]) => approval(""),
            (Verb::Reverse(_), ["NONE"]) => Answer::NotFound,
            _ => Answer::Unknown("an answer that is none".to_owned()),
        }
    }
}

impl Acquirer for TerminalHost {
    fn name(&self) -> &str {
        "terminal"
    }

    fn abilities(&self) -> Abilities {
        let (inquiry, no) = (Able::No, Able::No);
        let (partial_capture, multiple_capture, incremental) = (no, no, no);
        Abilities {
            inquiry,
            partial_capture,
            multiple_capture,
            incremental,
            repeat_window_ms: 0,
            max_delay_ms: 60_000,
        }
    }

    fn link(&self) -> Link {
        Link::Up
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let line = TerminalHost::line(&request).filter(|_| permit.covers(&request));
            let Some(line) = line else { return Answer::NotSent("nothing to send".to_owned()) };
            let begun = AtomicBool::new(false);
            let asked = timeout(Duration::from_millis(request.timeout_ms), self.ask(&line, &begun)).await;
            match asked {
                Ok(Ok(answer)) => TerminalHost::read(&request, &answer),
                Ok(Err(_)) | Err(_) if begun.load(Ordering::Acquire) => {
                    Answer::Unknown("no answer".to_owned())
                }
                Ok(Err(_)) | Err(_) => Answer::NotSent("can't connect".to_owned()),
            }
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let acquirer = TerminalHost { address: listener.local_addr()?.to_string() };
    let request = AcquirerRequest {
        tenant: Tenant { merchant: MerchantId(Id(1)), mode: Mode::Test },
        merchant_name: "Corner Shop".to_owned(),
        trace: Trace::from_sequence(1, Timestamp::default()),
        transmission: Transmission::First,
        amount: Money::new(1_999, Currency::EUR),
        card: Some(CardInClear {
            pan: Pan::new("4242424242424242"),
            exp_month: 12,
            exp_year: 2029,
            cvc: None,
        }),
        wallet: None,
        verb: Verb::Authorize,
        customer: CustomerPresence::Present,
        timeout_ms: 1_000,
    };
    let host = async {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(b"OK A1B2C3\n").await
    };
    let (answer, served) = tokio::join!(acquirer.send(Permit::for_test(&request), request), host);
    served?;
    println!("{answer:?}");
    Ok(())
}
