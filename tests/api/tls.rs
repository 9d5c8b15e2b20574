//! TLS by configuration, with a client of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use likeness::config::TlsFiles;
use likeness::tls::RECHECK;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
};

use crate::app::{ALL_SCOPES, App, Options, token};
use crate::http2;

/// Vouches for certificates of the name `localhost`.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// Writes a new certificate and its key.
    fn issue(&self, files: &TlsFiles) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
    }
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles {
        certificate: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    }
}

async fn app_with(files: &TlsFiles) -> App {
    let files = files.clone();
    App::start_with(Options {
        configure: Some(Box::new(|config| {
            config.http.tls = Some(files);
            config.http.admin_listen = Some(([127, 0, 0, 1], 0).into());
        })),
        ..Options::default()
    })
    .await
}

fn socket_address(address: &str) -> SocketAddr {
    address.trim_start_matches("http://").parse().unwrap()
}

async fn connect(
    address: &str,
    trusted: CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let socket = TcpStream::connect(socket_address(address)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
}

async fn get(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        token("acme", ALL_SCOPES)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // An end without the alert that announces it is no matter here.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn both_ports_speak_tls_1_2_and_1_3_and_tell_browsers_to_insist() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = files(folder.path());
    authority.issue(&files);
    let app = app_with(&files).await;
    let admin = app.admin_address.clone().unwrap();
    for (version, spoken) in [
        (&TLS12, ProtocolVersion::TLSv1_2),
        (&TLS13, ProtocolVersion::TLSv1_3),
    ] {
        for (address, path) in [
            (&app.address, "/v1/watchlists"),
            (&app.address, "/healthz"),
            (&admin, "/metrics"),
            (&admin, "/docs/"),
        ] {
            let stream = connect(address, authority.certificate(), version, &[]).await;
            let mut stream = stream.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(spoken));
            let answer = get(&mut stream, path).await.to_lowercase();
            assert!(
                answer.starts_with("http/1.1 200 ok\r\n"),
                "{path}: {answer}"
            );
            let insists = "strict-transport-security: max-age=31536000\r\n";
            assert!(answer.contains(insists), "{answer}");
        }
    }
    let stranger = Authority::new().certificate();
    let refused = connect(&app.address, stranger, &TLS13, &[]).await;
    assert!(refused.is_err(), "a certificate that nobody vouches for");
}

#[tokio::test]
async fn nothing_older_and_nothing_unencrypted_is_answered() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = files(folder.path());
    authority.issue(&files);
    let app = app_with(&files).await;
    let say = async |bytes: &[u8]| {
        let mut socket = TcpStream::connect(socket_address(&app.address))
            .await
            .unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        answer
    };
    let plain = say(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(!plain.starts_with(b"HTTP"), "{plain:?}");
    for minor in [1, 2] {
        // A greeting of TLS 1.0 or 1.1 with the suites ECDHE-ECDSA-AES128-SHA and RSA-AES128-SHA.
        let mut hello = vec![3, minor];
        hello.extend([7; 32]);
        hello.extend([0, 0, 4, 0xc0, 0x09, 0, 0x2f, 1, 0]);
        let mut message = vec![1, 0, 0, hello.len() as u8];
        message.extend(&hello);
        let mut record = vec![0x16, 3, 1, 0, message.len() as u8];
        record.extend(&message);
        let answer = say(&record).await;
        // A fatal alert, and no greeting back.
        assert_eq!(answer[0], 0x15, "{answer:?}");
        assert_eq!(answer[5], 2, "{answer:?}");
    }
}

#[tokio::test]
async fn http_2_is_spoken_with_those_who_ask_for_it() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = files(folder.path());
    authority.issue(&files);
    let app = app_with(&files).await;
    let protocols = ["h2", "http/1.1"];
    let stream = connect(&app.address, authority.certificate(), &TLS13, &protocols).await;
    let mut stream = stream.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let bearer = format!("Bearer {}", token("acme", ALL_SCOPES));
    let headers = [("authorization", bearer.as_str())];
    let block = http2::get(&mut stream, "/v1/watchlists", &headers)
        .await
        .unwrap();
    // The status 200 is an entry of the static table.
    assert_eq!(block[0], 0x88, "{block:x?}");
    let stream = connect(&app.address, authority.certificate(), &TLS13, &protocols).await;
    let block = http2::get(&mut stream.unwrap(), "/v1/watchlists", &[])
        .await
        .unwrap();
    assert_ne!(block[0], 0x88, "without a token");
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_restart() {
    let (folder, old, new) = (
        tempfile::tempdir().unwrap(),
        Authority::new(),
        Authority::new(),
    );
    let files = files(folder.path());
    old.issue(&files);
    let app = app_with(&files).await;
    let trusts = async |authority: &Authority| {
        let stream = connect(&app.address, authority.certificate(), &TLS13, &[]).await;
        stream.is_ok()
    };
    assert!(trusts(&old).await && !trusts(&new).await);
    new.issue(&files);
    let deadline = Instant::now() + 3 * RECHECK;
    while !trusts(&new).await {
        assert!(
            Instant::now() < deadline,
            "the old certificate is still served"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!trusts(&old).await);
}

#[tokio::test]
async fn the_health_command_asks_over_tls() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = files(folder.path());
    authority.issue(&files);
    let app = app_with(&files).await;
    let health = async |over_tls: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_likeness"));
        command
            .arg("health")
            .env("LIKENESS_HOME", folder.path())
            .env("LIKENESS_LISTEN", socket_address(&app.address).to_string());
        if over_tls {
            command
                .env("LIKENESS_TLS_CERT", &files.certificate)
                .env("LIKENESS_TLS_KEY", &files.key);
        }
        let run = tokio::task::spawn_blocking(move || command.output());
        run.await.unwrap().unwrap()
    };
    let ready = health(true).await;
    assert!(ready.status.success(), "{ready:?}");
    assert!(!health(false).await.status.success());
    app.store.close().await;
    let unready = health(true).await;
    assert!(!unready.status.success());
    let said = String::from_utf8_lossy(&unready.stderr).into_owned();
    assert!(said.contains("not ready: HTTP/1.1 503"), "{said}");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    for (certificate, fault) in [
        (None, "cannot read"),
        (Some("none"), "holds no certificate"),
    ] {
        if let Some(text) = certificate {
            fs::write(&files.certificate, text).unwrap();
            fs::write(&files.key, text).unwrap();
        }
        let configured = files.clone();
        let started = App::try_start(Options {
            configure: Some(Box::new(|config| config.http.tls = Some(configured))),
            ..Options::default()
        });
        let error = format!("{:#}", started.await.err().expect("it does not start"));
        assert!(
            error.contains(fault) && error.contains("LIKENESS_TLS_CERT"),
            "{error}"
        );
    }
}
