//! The service within this process, where no process is killed.

use likeness::config::{Config, JwtKey};
use likeness::domain::embedder::Embedder;
use likeness::startup::Application;
use likeness::store::Store;
use secrecy::SecretString;

use crate::backend;
use crate::client::{Client, SECRET, rules};
use crate::support;

/// Connections to the database.
pub const CONNECTIONS: u32 = 5;

/// A service on a port of its own.
pub struct Inside {
    pub client: Client,
    pub store: Store,
}

impl Inside {
    pub async fn start(database: &SecretString) -> Self {
        Self::configured(database, |_| {}).await
    }

    pub async fn configured(database: &SecretString, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = support::config();
        config.listen = ([127, 0, 0, 1], 0).into();
        config.jwt.key = Some(JwtKey::Secret(SECRET.into()));
        config.jwt.issuer = rules().issuer;
        config.jwt.audience = rules().audience;
        config.jwt.leeway = rules().leeway;
        config.jwt.max_lifetime = rules().max_lifetime;
        config.load.queue_capacity = 16;
        change(&mut config);
        let store = Store::connect(database, CONNECTIONS).await.unwrap();
        store
            .register_model(Embedder::default().id(), Embedder::default().dimensions())
            .await
            .unwrap();
        let engine = backend::engine(2, config.load.queue_capacity);
        let application = Application::assemble(&config, engine, store.clone(), None)
            .await
            .unwrap();
        let client = Client::new(&format!("http://{}", application.address()));
        tokio::spawn(application.run_until(std::future::pending()));
        Self { client, store }
    }
}
