//! A collector of OpenTelemetry traces that keeps what it is sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was sent in one request.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// The request line and the headers.
    pub head: Vec<String>,
    /// The spans as they were encoded.
    pub body: Vec<u8>,
}

pub struct Collector {
    pub url: String,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent: Arc<Mutex<Vec<Sent>>> = Arc::default();
        let kept = Arc::clone(&sent);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || answer(&connection.unwrap(), &kept));
            }
        });
        Self { url, sent }
    }

    /// Everything so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

/// Takes requests of one connection until it ends.
fn answer(connection: &TcpStream, kept: &Mutex<Vec<Sent>>) {
    let mut reader = BufReader::new(connection);
    while let Some(sent) = next(&mut reader) {
        kept.lock().unwrap().push(sent);
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        let mut writer = connection;
        if writer.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn next(reader: &mut BufReader<&TcpStream>) -> Option<Sent> {
    let mut sent = Sent::default();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        sent.head.push(line.trim().to_lowercase());
    }
    let length = sent
        .head
        .iter()
        .find_map(|line| line.strip_prefix("content-length:"));
    sent.body = vec![0; length?.trim().parse().ok()?];
    reader.read_exact(&mut sent.body).ok()?;
    Some(sent)
}
