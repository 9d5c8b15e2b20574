//! `likeness health`: asks a running service whether it is ready, so that a container image needs no other client.

use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::tls::local_client;

/// How long each step of the question may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Succeeds where the service that listens on this address says that it is ready.
pub(super) fn check(listen: SocketAddr, over_tls: bool) -> anyhow::Result<()> {
    let status =
        ask(reachable(listen), over_tls).with_context(|| format!("no answer from {listen}"))?;
    anyhow::ensure!(
        status.split(' ').nth(1) == Some("200"),
        "not ready: {status}"
    );
    Ok(())
}

/// The first line of the answer.
fn ask(address: SocketAddr, over_tls: bool) -> anyhow::Result<String> {
    let connection = TcpStream::connect_timeout(&address, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    if !over_tls {
        return Ok(status_line(address, connection)?);
    }
    let name = ServerName::from(address.ip());
    let session = ClientConnection::new(Arc::new(local_client()?), name)?;
    Ok(status_line(address, StreamOwned::new(session, connection))?)
}

fn status_line(
    address: SocketAddr,
    mut connection: impl io::Read + io::Write,
) -> io::Result<String> {
    write!(
        connection,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut status = String::new();
    BufReader::new(connection).read_line(&mut status)?;
    Ok(status.trim().to_owned())
}

/// A service that listens on every address listens on the loopback address too.
pub(super) fn reachable(mut listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listen
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers one request and returns what it was.
    fn service(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let request = thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            // All of it: what is not read when the connection closes resets it, and the answer may be lost.
            let lines = BufReader::new(&connection).lines().map(Result::unwrap);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            connection.write_all(answer.as_bytes()).unwrap();
            head[0].clone()
        });
        (address, request)
    }

    #[test]
    fn a_ready_service_passes() {
        let (address, request) = service("HTTP/1.1 200 OK\r\n\r\n");
        check(address, false).unwrap();
        assert_eq!(request.join().unwrap(), "GET /readyz HTTP/1.1");
    }

    #[test]
    fn a_service_that_is_not_ready_and_one_that_is_not_there_fail() {
        let (address, _request) = service("HTTP/1.1 503 Service Unavailable\r\n\r\n");
        let said = check(address, false).unwrap_err().to_string();
        assert_eq!(said, "not ready: HTTP/1.1 503 Service Unavailable");
        let nobody = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let said = check(nobody, false).unwrap_err().to_string();
        assert!(said.starts_with("no answer from 127.0.0.1:"), "{said}");
    }

    #[test]
    fn every_address_is_reached_through_the_loopback_address() {
        for (listen, reached) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
