//! A key server that can misbehave.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// What it does with a request.
#[derive(Clone)]
pub enum Behaviour {
    /// Answers with this text.
    Serve(String),
    /// Answers with this status.
    Fail(u16),
    /// Sends elsewhere.
    Redirect(String),
    /// Answers with so many bytes.
    Flood(usize),
    /// Sends a byte now and then, and never the last one.
    Drip,
    /// Hangs up without a word.
    HangUp,
}

/// It runs until the test's runtime ends.
pub struct KeyServer {
    pub address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
    requests: watch::Receiver<usize>,
    connections: watch::Receiver<usize>,
}

impl KeyServer {
    pub async fn start(behaviour: Behaviour) -> Self {
        Self::serve(behaviour, None).await
    }

    /// Speaks TLS, with a certificate for the name `localhost`; the PEM is that of its authority.
    pub async fn start_tls(behaviour: Behaviour) -> (Self, String) {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (
            Self::serve(behaviour, Some(acceptor)).await,
            authority.pem(),
        )
    }

    async fn serve(behaviour: Behaviour, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let behaviour = Arc::new(Mutex::new(behaviour));
        let (requested, requests) = watch::channel(0);
        let (connected, connections) = watch::channel(0);
        let shared = Arc::clone(&behaviour);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connected.send_modify(|count| *count += 1);
                let (shared, tls, requested) =
                    (Arc::clone(&shared), tls.clone(), requested.clone());
                tokio::spawn(async move {
                    match tls {
                        None => answer(stream, &shared, &requested).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, &shared, &requested).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            behaviour,
            requests,
            connections,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    pub fn now(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        *self.requests.borrow()
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// Waits until `count` more requests have come. Fetches follow one another, so when the second has come, what
    /// the first brought is in force.
    pub async fn more_requests(&self, count: usize) {
        let mut requests = self.requests.clone();
        let enough = *requests.borrow() + count;
        requests.wait_for(|seen| *seen >= enough).await.unwrap();
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    behaviour: &Mutex<Behaviour>,
    requested: &watch::Sender<usize>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let behaviour = behaviour.lock().unwrap().clone();
    requested.send_modify(|count| *count += 1);
    // The client may hang up at any time.
    let _ = match behaviour {
        Behaviour::Serve(body) => reply(&mut stream, "200 OK", "", body.as_bytes()).await,
        Behaviour::Fail(status) => reply(&mut stream, &format!("{status} No"), "", b"").await,
        Behaviour::Redirect(to) => {
            reply(
                &mut stream,
                "302 Found",
                &format!("Location: {to}\r\n"),
                b"",
            )
            .await
        }
        Behaviour::Flood(bytes) => reply(&mut stream, "200 OK", "", &vec![b' '; bytes]).await,
        Behaviour::Drip => drip(&mut stream).await,
        Behaviour::HangUp => Ok(()),
    };
    let _ = stream.shutdown().await;
}

async fn reply(
    stream: &mut (impl AsyncWrite + Unpin),
    status: &str,
    header: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{header}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await
}

async fn drip(stream: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
    let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"keys\": [";
    stream.write_all(head).await?;
    loop {
        stream.write_all(b" ").await?;
        stream.flush().await?;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// A service that takes its keys from this URL, on this machine, asking again after `refresh`.
pub fn options_for(
    url: &str,
    refresh: std::time::Duration,
    more: impl FnOnce(&mut likeness::config::Jwks) + Send + 'static,
) -> crate::app::Options {
    let url = reqwest::Url::parse(url).unwrap();
    crate::app::Options {
        jwt_key: Some(likeness::config::JwtKey::KeyServer(url)),
        configure: Some(Box::new(move |config| {
            config.jwt.jwks.refresh = refresh;
            config.jwt.jwks.private_network = true;
            more(&mut config.jwt.jwks);
        })),
        ..crate::app::Options::default()
    }
}
