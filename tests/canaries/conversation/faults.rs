//! Another protocol, and a database that fails.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use likeness::tls::local_client;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Conversation, SCOPES};
use crate::http2;

impl Conversation<'_> {
    pub(super) async fn http_2(&mut self) {
        let mut config = local_client().unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let bearer = format!("Bearer {}", self.token("tester", SCOPES));
        for (path, authorization) in [
            ("/v1/watchlists".to_owned(), bearer.as_str()),
            (
                format!("/v1/watchlists?q={}", self.secrets.query),
                bearer.as_str(),
            ),
            (
                format!("/{}", self.secrets.path),
                self.secrets.bad_token.as_str(),
            ),
        ] {
            let socket = TcpStream::connect(self.service.address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let connector = TlsConnector::from(Arc::new(config.clone()));
            let mut stream = connector.connect(name, socket).await.unwrap();
            let headers = [
                ("authorization", authorization),
                ("user-agent", self.secrets.header.as_str()),
            ];
            let block = http2::get(&mut stream, &path, &headers).await.unwrap();
            assert!(!block.is_empty());
        }
    }

    /// What the database says when it fails could hold the values of the statement.
    pub(super) async fn faults_of_the_database(&mut self, list: &str) {
        let subjects = format!("/v1/watchlists/{list}/subjects");
        let mut owner = self.owner().await;
        let refuse = "alter table subjects add constraint no_canaries check (display_name is null) not valid";
        sqlx::query(refuse).execute(&mut owner).await.unwrap();
        let person = json!({"display_name": self.secrets.name, "metadata": self.metadata()});
        let refused = self.request(Method::POST, &subjects).json(&person);
        self.hear("a row that the database refuses", refused, 500)
            .await;
        let restore = "alter table subjects drop constraint no_canaries";
        sqlx::query(restore).execute(&mut owner).await.unwrap();
        let hide = "alter table verifications rename to hidden";
        sqlx::query(hide).execute(&mut owner).await.unwrap();
        let form = self.pair().text("metadata", self.metadata().to_string());
        let check = self
            .request(Method::POST, "/v1/verifications")
            .multipart(form);
        self.hear("a table that is gone", check, 500).await;
        let show = "alter table hidden rename to verifications";
        sqlx::query(show).execute(&mut owner).await.unwrap();
        owner.close().await.unwrap();
        self.while_it_is_away(async |this: &mut Self| {
            let form = this
                .pair()
                .text("external_id", this.secrets.external_id.clone());
            let check = this
                .request(Method::POST, "/v1/verifications")
                .multipart(form);
            this.hear("a database that is away", check, 503).await;
            let enrol = this.request(Method::POST, &subjects).json(&person);
            this.hear("a database that is away", enrol, 503).await;
        })
        .await;
    }

    async fn while_it_is_away(&mut self, work: impl AsyncFnOnce(&mut Self)) {
        let options = PgConnectOptions::from_str(self.database.expose_secret()).unwrap();
        let name = options.get_database().unwrap().to_owned();
        let mut elsewhere = options.database("postgres").connect().await.unwrap();
        let mut run = async |statement: String| {
            let done = sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut elsewhere)
                .await;
            done.unwrap();
        };
        run(format!("alter database {name} allow_connections false")).await;
        run(format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        ))
        .await;
        work(self).await;
        run(format!("alter database {name} allow_connections true")).await;
        // The pool finds the way back by itself.
        let deadline = Instant::now() + Duration::from_secs(60);
        while self
            .client
            .get(self.url("/readyz"))
            .send()
            .await
            .unwrap()
            .status()
            != 200
        {
            assert!(Instant::now() < deadline, "it does not recover");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
