//! ISO 8583 in TLS: traffic with a host whose certificate is believed, none with any other.

use crate::peer::until;
use crate::request::{World, approved, request};
use crate::suite::send;
use gateway_acquirers::host::{Host, Settings as HostSettings};
use gateway_acquirers::iso8583::{Iso8583, Settings, Tls};
use gateway_core::acquirer::{Acquirer, Answer, Link, Verb};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[tokio::test]
async fn only_a_host_that_proves_its_name_gets_traffic() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    let certificates = crypto::devcerts::ensure_dev_certs(folder.path(), now).expect("made");
    let identity = certificates.identity().expect("read");
    let acceptor =
        TlsAcceptor::from(crypto::tls::server_config(&identity, &[]).expect("a server's settings"));
    let world = Arc::new(World::default());
    let host = Host::new(HostSettings::default(), (&world.ports()).into(), None).expect("no book to open");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let serving = tokio::spawn({
        let host = Arc::clone(&host);
        async move {
            loop {
                let (plain, _) = listener.accept().await.expect("accepts");
                if let Ok(encrypted) = acceptor.accept(plain).await {
                    tokio::spawn(Arc::clone(&host).serve_stream(Box::new(encrypted)));
                }
            }
        }
    });

    let ca = format!("file:{}", certificates.ca_pem_path.display());
    let with = |ca: Option<String>, name: &str| Settings {
        tls: Some(Tls { ca, server_name: name.to_owned() }),
        ..Settings::at(&address)
    };
    let good = Iso8583::connect("good", with(Some(ca.clone()), "localhost"), &world.ports())
        .expect("valid settings");
    until("it is signed on", || good.link() == Link::Up).await;
    approved(send(&*good, request(1, Verb::Authorize)).await);

    for (ca, name) in [(Some(ca), "bank.example"), (None, "localhost")] {
        let wrong = Iso8583::connect("wrong", with(ca, name), &world.ports()).expect("valid settings");
        let answer = send(&*wrong, request(2, Verb::Authorize)).await;
        assert!(matches!(answer, Answer::NotSent(_)), "{name}: {answer:?}");
    }
    assert_eq!(host.requests(), 1, "only the believed host's traffic arrived");
    serving.abort();
}
