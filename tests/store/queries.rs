//! The descriptions in `.sqlx/`, which a build without a database believes, are those of the migrated schema.

use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};

use crate::fixture::Fixture;

#[tokio::test]
async fn every_stored_query_description_agrees_with_a_freshly_migrated_database() {
    let fixture = Fixture::new().await;
    let mut owner = fixture.owner().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut compared = 0;
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let stored: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let query = stored["query"].as_str().unwrap().to_owned();
        // The same call that the macros make; sqlx keeps it out of its documentation.
        let described = (&mut owner)
            .describe(AssertSqlSafe(query.clone()).into_sql_str())
            .await
            .unwrap_or_else(|error| panic!("{error} in {query}"));
        assert_eq!(
            serde_json::to_value(described).unwrap(),
            stored["describe"],
            "run .ci/refresh-queries: {} no longer describes {query}",
            path.display()
        );
        compared += 1;
    }
    assert!(compared > 20, "only {compared} descriptions were found");
}
