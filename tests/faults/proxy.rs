//! A way to the database that can be made bad: slow, narrow, cut, or silent.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Good,
    /// Everything arrives so much later.
    Late(Duration),
    /// One byte a second.
    Narrow,
    /// Connections are reset, open ones and new ones.
    Cut,
    /// Nothing arrives in either direction, and nobody is told. Whoever was on the way stays lost.
    Silent,
    /// The server hears everything, and nothing of what it says arrives.
    Mute,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    There,
    Back,
}

/// Listens in place of the database.
pub struct Proxy {
    way: watch::Sender<Way>,
    /// The address of the database through it.
    pub url: SecretString,
}

impl Proxy {
    pub async fn start(database: &SecretString) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (way, ways) = watch::channel(Way::Good);
        tokio::spawn(accept(listener, socket(database), ways));
        Self {
            way,
            url: through(database, port),
        }
    }

    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

/// The embedded server listens on a socket in a folder.
fn socket(database: &SecretString) -> PathBuf {
    let options = PgConnectOptions::from_str(database.expose_secret()).unwrap();
    let folder = options.get_socket().cloned();
    let folder = folder.unwrap_or_else(|| PathBuf::from(options.get_host()));
    folder.join(".s.PGSQL.5432")
}

fn through(database: &SecretString, port: u16) -> SecretString {
    let options = PgConnectOptions::from_str(database.expose_secret()).unwrap();
    let password = parameter(database, "password");
    let (user, name) = (options.get_username(), options.get_database().unwrap());
    format!("postgres://{user}:{password}@127.0.0.1:{port}/{name}?sslmode=disable").into()
}

/// The password, where the address has it: in front of the host or among the parameters.
fn parameter(database: &SecretString, name: &str) -> String {
    let url = reqwest::Url::parse(database.expose_secret()).unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name);
    let value = found.map(|(_, value)| value.into_owned());
    value
        .or_else(|| url.password().map(ToOwned::to_owned))
        .unwrap()
}

async fn accept(listener: TcpListener, server: PathBuf, ways: watch::Receiver<Way>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        tokio::spawn(connect(client, server.clone(), ways.clone()));
    }
}

async fn connect(client: TcpStream, server: PathBuf, ways: watch::Receiver<Way>) {
    // Closed at once and without a word: the other side is told by a reset.
    client.set_zero_linger().unwrap();
    if *ways.borrow() == Way::Cut {
        return;
    }
    let Ok(server) = UnixStream::connect(server).await else {
        return;
    };
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let mut cut = ways.clone();
    tokio::select! {
        () = pump(client_in, server_out, Direction::There, ways.clone()) => {}
        () = pump(server_in, client_out, Direction::Back, ways) => {}
        _ = cut.wait_for(|way| *way == Way::Cut) => {}
    }
}

/// Passes bytes on, in whatever way it is at the time.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
    ways: watch::Receiver<Way>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let way = *ways.borrow();
        let passed = match way {
            Way::Late(delay) => {
                tokio::time::sleep(delay).await;
                to.write_all(&buffer[..read]).await
            }
            Way::Narrow => drip(&mut to, &buffer[..read], &ways).await,
            Way::Silent => return std::future::pending().await,
            Way::Mute if direction == Direction::Back => return std::future::pending().await,
            Way::Good | Way::Cut | Way::Mute => to.write_all(&buffer[..read]).await,
        };
        if passed.is_err() {
            return;
        }
    }
}

/// A byte a second, for as long as the way is narrow.
async fn drip(
    to: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    ways: &watch::Receiver<Way>,
) -> std::io::Result<()> {
    for byte in bytes {
        if *ways.borrow() == Way::Narrow {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        to.write_all(&[*byte]).await?;
    }
    Ok(())
}
