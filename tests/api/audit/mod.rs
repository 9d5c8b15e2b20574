//! The audit log: what each route leaves in it, what never is in it, and that nothing is done or told without it.

mod atomicity;
mod events;
mod lifecycle;
mod people;
mod reading;

use likeness::store::{AuditReader, ChainReport};
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::app::{App, Options};
use crate::support;

/// A service, and the way to its database around it.
pub struct Audited {
    pub app: App,
    pub database: SecretString,
}

impl Audited {
    pub async fn start() -> Self {
        let database = support::database().await;
        let options = Options {
            database: Some(database.clone()),
            ..Options::default()
        };
        Self {
            app: App::start_with(options).await,
            database,
        }
    }

    /// A plain connection as the owner of the tables.
    pub async fn owner(&self) -> PgConnection {
        PgConnection::connect(self.database.expose_secret())
            .await
            .unwrap()
    }

    pub async fn run(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut self.owner().await)
            .await
            .unwrap();
    }

    /// What the walk along the tenant's chain comes to.
    pub async fn verified(&self) -> ChainReport {
        let mut reader = AuditReader::connect(&self.database).await.unwrap();
        reader.verify("acme", None).await.unwrap()
    }

    /// The number of events, of which each follows the one before.
    pub async fn count(&self) -> i64 {
        let report = self.verified().await;
        assert_eq!(report.fault, None);
        report.intact.sequence
    }

    /// All events of `acme`, the oldest first.
    pub async fn events(&self) -> Vec<Value> {
        let page = self.app.get("/v1/audit_events?limit=200").await;
        let page = page.expect(StatusCode::OK);
        assert_eq!(page["next_cursor"], Value::Null);
        let mut events = page["items"].as_array().unwrap().clone();
        events.reverse();
        events
    }
}

/// A form with nothing but a picture.
pub fn image(bytes: Vec<u8>) -> Form {
    Form::new().part("image", Part::bytes(bytes))
}
