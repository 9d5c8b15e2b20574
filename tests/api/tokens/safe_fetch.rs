//! The fetch of keys reaches only where it is meant to reach.

use std::io::Write as _;
use std::time::Duration;

use reqwest::{Method, StatusCode, Url};

use super::issuer::{jwks, keys};
use super::key_server::{Behaviour, KeyServer, options_for};
use super::{answer_to, status_of};
use crate::app::{Answer, App};

const OFTEN: Duration = Duration::from_millis(100);

async fn expect_nobody_gets_in(app: &App) {
    let token = keys()[1].token();
    answer_to(app, &token)
        .await
        .expect_problem(503, "unavailable");
    let ready = Answer::of(app.bare(Method::GET, "/readyz")).await;
    ready.expect_problem(503, "unavailable");
}

#[tokio::test]
async fn addresses_of_this_machine_and_its_networks_are_not_called_by_default() {
    let server = KeyServer::start(Behaviour::Serve(jwks(&[&keys()[1]]))).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0.0.0.0",
        "10.255.255.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ] {
        let url = format!("https://{host}:{port}/jwks.json");
        let options = options_for(&url, OFTEN, |jwks| jwks.private_network = false);
        let app = tokio::time::timeout(Duration::from_secs(3), App::start_with(options)).await;
        expect_nobody_gets_in(&app.expect("no time is spent on connecting")).await;
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn link_local_addresses_are_not_called_even_where_private_ones_are_allowed() {
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://100.100.100.200/",
    ] {
        let app = App::start_with(options_for(url, OFTEN, |_| {}));
        let app = tokio::time::timeout(Duration::from_secs(3), app).await;
        expect_nobody_gets_in(&app.expect("no time is spent on connecting")).await;
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = KeyServer::start(Behaviour::Serve(jwks(&[&keys()[1]]))).await;
    let server = KeyServer::start(Behaviour::Redirect(elsewhere.url())).await;
    let app = App::start_with(options_for(&server.url(), OFTEN, |_| {})).await;
    expect_nobody_gets_in(&app).await;
    server.more_requests(1).await;
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn more_than_a_key_set_can_have_is_not_read() {
    let server = KeyServer::start(Behaviour::Flood(5 << 20)).await;
    let app = App::start_with(options_for(&server.url(), OFTEN, |_| {})).await;
    expect_nobody_gets_in(&app).await;
}

#[tokio::test]
async fn a_key_server_over_tls_is_believed_with_a_certificate_of_a_trusted_authority_only() {
    let key = &keys()[1];
    let (server, authority) = KeyServer::start_tls(Behaviour::Serve(jwks(&[key]))).await;
    let (_, other_authority) = KeyServer::start_tls(Behaviour::HangUp).await;
    let app_with = async |host: &str, authority: Option<&str>| {
        let url = format!("https://{host}:{}/jwks.json", server.address.port());
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = authority.map(|pem| {
            file.write_all(pem.as_bytes()).unwrap();
            file.path().to_owned()
        });
        App::start_with(options_for(&url, OFTEN, |jwks| jwks.extra_roots = path)).await
    };
    let app = app_with("localhost", Some(&authority)).await;
    assert_eq!(status_of(&app, &key.token()).await, StatusCode::OK);
    // Nobody has vouched; somebody else has; the name is another.
    for (host, authority) in [
        ("localhost", None),
        ("localhost", Some(other_authority.as_str())),
        ("127.0.0.1", Some(authority.as_str())),
    ] {
        expect_nobody_gets_in(&app_with(host, authority).await).await;
    }
    let requests = server.requests();
    let app = App::start_with(options_for(&server.url(), OFTEN, |_| {})).await;
    expect_nobody_gets_in(&app).await;
    assert!(Url::parse(&server.url()).is_ok() && requests >= 1);
}
